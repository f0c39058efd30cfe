"""Tables that distinguish countries: header and street languages, postal codes, cities, tax ids, domains.

A country is excluded only by something that it never writes, so every table keeps a country in doubt.
"""

import re
from functools import cache, lru_cache

from babel.core import get_global

from getbill import sheets

# Countries of likely debtors, the likeliest first. The smallest (Monaco, Liechtenstein, San Marino) are only
# used where a row names them.
_COUNTRIES = """FR DE ES IT NL BE CH AT GB PT PL LU IE DK SE NO FI US CA CZ SK HU RO BG GR HR SI EE LV LT MT CY IS
    RS BA AL UA TR IL MA TN DZ SN CI CM AU NZ IN SG HK JP CN AE ZA BR MX AR CL CO PE EC UY"""
COUNTRIES = tuple(_COUNTRIES.split())
EVERYWHERE = frozenset(COUNTRIES)

# Countries where companies keep their books in a language.
COUNTRIES_BY_LANGUAGE: dict[str, frozenset[str]] = {
    language: frozenset(countries.split())
    for language, countries in {
        "fr": "FR BE CH LU CA MA TN DZ SN CI CM",
        "de": "DE AT CH LU",
        "nl": "NL BE",
        "es": "ES MX AR CL CO PE EC UY",
        "it": "IT CH",
        "pt": "PT BR",
        "pl": "PL",
        "sv": "SE FI",
        "da": "DK",
        "nb": "NO",
        "fi": "FI",
        "cs": "CZ",
        "sk": "SK",
        "hu": "HU",
        "ro": "RO",
        "bg": "BG",
        "hr": "HR BA",
        "sr": "RS BA",
        "sl": "SI",
        "el": "GR CY",
        "tr": "TR",
        "en": "GB IE US CA AU NZ IN ZA SG",
    }.items()
}
# Prefixes of header words, folded. A word of several languages is listed in each.
_HEADERS = {
    "fr": """facture echeance montant solde telephone restant reste prenom nom ville adresse societe reglement
        portable creance debiteur libelle devise pays relance courriel raison tva compte numero emission clients""",
    "de": """rechnung kunde kunden faellig fallig betrag telefon nachname vorname offen offener beleg belegnr belegnummer belegdatum strasse plz ort mahnstufe mahnung mobil
        handy firma rufnummer anschrift konto debitor wahrung waehrung postleitzahl mwst ust adresse strassenname""",
    "nl": """factuur factuurnr klant klanten klantnr klantnaam klantnummer klantcode openstaand verval telefoon bedrag achternaam voornaam relatie huisnummer straat straatnaam woonplaats plaats
        naam boekstuk mobiel betaald btw kvk adres dagen gemeente debiteur debiteuren e_mailadres""",
    "es": """vencimiento factura importe pendiente telefono fecha apellido nombre ciudad poblacion movil cobrado
        direccion razon deuda localidad cliente contacto empresa emision""",
    "it": """fattura scadenza importo ragione cognome cellulare telefono indirizzo citta comune cap fatt residuo
        incassato denominazione partita dovuto nome cliente debitore localita""",
    "pt": """fatura vencimento telefone telemovel morada valor divida pendente localidade nome emissao cliente
        concelho empresa contacto""",
    "pl": """faktura klient kontrahent kwota termin telefon kod miejscowosc miasto ulica zaplaty zapłaty naleznosc
        należność nip nazwa adres płatności nazwisko imię imie komórk""",
    "sv": "faktura kund kundnr kundnummer belopp forfallodat telefon postnummer ort namn adress mobil fornamn efternamn",
    "da": "faktura kunde beløb belob forfald telefon postnr navn adresse mobil fornavn efternavn",
    "nb": "faktura kunde beløp belop forfall telefon postnr poststed navn adresse mobil fornavn etternavn",
    "fi": "lasku asiakas erapaiva summa puhelin postinumero nimi osoite",
    "cs": """faktura splatnost splatnosti castka telefon zakaznik psc mesto jmeno prijmeni ulice odberatel doklad cislo vystaveni uhrade
        uhrazeno zbyva celkem ico dic mena stav nazev datum dluh zustatek""",
    "sk": """faktura splatnost splatnosti suma telefon zakaznik psc mesto meno priezvisko ulica odberatel doklad cislo vystavenia uhradene
        zostava celkom ico dic mena stav nazov datum zostatok""",
    "hu": """szamla vevo osszeg hatarido telefon iranyitoszam varos szamlaszam ugyfel partner neve kelte kelt teljesites lejarat fizetesi
        brutto netto tartozas hatralek egyenleg kiegyenlitett penznem telepules cim adoszam osszesen bizonylat tartozik kovetel nyitott""",
    "en": """invoice amount customer phone address balance number paid outstanding reference company postcode first
        last currency total""",
    "ro": """factura client suma scadenta scadentei telefon localitate oras nume prenume denumire partener valoare incasat achitat rest sold
        emiterii moneda judet data intarziere document numar plata stare""",
    "bg": """фактура клиент контрагент получател дата падеж сума стойност общо остатък платено неплатено дължимо валута град телефон номер
        документ просрочие име адрес еик булстат салдо""",
    "hr": """racun kupac kupca naziv datum dospijece dospijeca iznos ukupno placeno preostalo otvoreno dug duguje potrazuje valuta grad mjesto telefon mobitel
        adresa broj sifra oib dana izdavanja partner saldo status""",
    "sr": """racun faktura kupac kupca naziv datum dospece dospeca iznos ukupno placeno ostatak dug duguje potrazuje valuta valute grad mesto telefon mobilni
        adresa broj sifra pib dana partner saldo рачун фактура купац назив датум доспећа износ укупно плаћено остатак дуг дугује потражује валута место
        телефон адреса број шифра пиб салдо""",
    "sl": """racun kupec kupca stranka naziv datum zapadlost zapadlosti znesek skupaj placano odprto dolg valuta naslov posta kraj telefon stevilka
        sifra dni zamude izdaje partner saldo""",
    "el": """πελατη πελατης επωνυμια παραστατικο ημερομηνια ημνια ληξη ληξης αξια ποσο υπολοιπο χρεωση πιστωση εξοφλησεις πολη τηλεφωνο κινητο κωδικος
        αφμ διευθυνση νομισμα συνολο τιμολογιο κατασταση""",
    "tr": """fatura müşteri cari unvan ünvan tarih tarihi vade tutar tutarı bakiye borç alacak kalan ödenen toplam döviz şehir telefon adres belge evrak
        durum kodu açıklama ilçe gün""",
}
_STREETS = {
    "fr": r"\b(?:rue|avenue|av\.|boulevard|bd|chemin|impasse|all[ée]e|quai|chauss[ée]e|faubourg)\b",
    "de": r"(?:stra(?:ss|ß)e|str\.|platz|gasse|allee)\b|(?:weg|ring)\s+\d",
    "nl": r"(?:straat|laan|gracht|plein|kade|dreef|steenweg)\b|\bstr\.? \d+ ?bus",
    "es": r"\b(?:calle|c/|avda|avenida|plaza|paseo|carrer)",
    "it": r"\b(?:via|viale|piazza|corso|vicolo|strada)\b",
    "pt": r"\b(?:rua|avenida|travessa|pra[çc]a|largo|estrada)\b",
    "pl": r"\b(?:ul\.|ulica|aleja|al\.|os\.)",
    "sv": r"(?:gatan|v[äa]gen)\b",
    "da": r"(?:gade|vej|all[ée])\b \d",
}
_STREET = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in _STREETS.items()}

_FIVE = r"\d{5}"
_FOUR = r"\d{4}"
_CODES = {
    "FR": r"(?:0[1-9]|[1-8]\d|9[0-578])\d{3}",
    "MC": r"980\d{2}",
    "ES": r"(?:0[1-9]|[1-4]\d|5[0-2])\d{3}",
    "US": r"\d{5}(?:-\d{4})?",
    "NL": r"[1-9]\d{3}(?: ?[A-Z]{2})?",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IE": r"(?:[A-Z]\d{2}|D6W) ?[A-Z\d]{4}|(?:DUBLIN|D) ?\d{1,2}",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "PL": r"\d{2}-\d{3}",
    "PT": r"\d{4}(?:-\d{3})?",
    "BR": r"\d{5}-?\d{3}",
    "JP": r"\d{3}-\d{4}",
    "LI": r"94[89]\d",
    "MT": r"[A-Z]{3} ?\d{2,4}", "LV": r"(?:LV-)?\d{4}", "LT": r"(?:LT-)?\d{5}",
    "CI": r"", "HK": r"", "AE": r"",
}  # fmt: skip
_SHARED_CODES = {
    "DE IT FI MX TR HR EE UA RS BA MA DZ SN PE UY": _FIVE,
    "BE CH AT LU DK NO HU BG SI CY AL TN AU NZ ZA": _FOUR,
    "SE CZ SK GR": r"\d{3} ?\d{2}",
    "RO IN CN SG CO EC": r"\d{6}",
}
_CODES |= {country: pattern for countries, pattern in _SHARED_CODES.items() for country in countries.split()}
_CODE = {country: re.compile(pattern) for country, pattern in _CODES.items()}
# Countries with five-digit codes whose leading zero a spreadsheet drops.
FIVE_DIGITS = frozenset({"FR", "DE", "ES", "IT", "US"})
_PREFIXED = re.compile(r"([A-Z]{1,2})[- ](\d{4,5})")
_ONE_SHAPE = re.compile(
    r"\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{2}-\d{3}|\d{4}-\d{3}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{5}-\d{4}"
)
_CITIES = {
    "FR": """paris|marseille|lyon|toulouse|nice|nantes|montpellier|strasbourg|bordeaux|lille|rennes|reims|le havre|
        saint-etienne|toulon|grenoble|dijon|angers|nimes|villeurbanne|clermont-ferrand|aix-en-provence|brest|limoges|
        tours|amiens|perpignan|metz|besancon|orleans|mulhouse|rouen|caen|nancy|argenteuil|montreuil|roubaix|tourcoing|
        nanterre|avignon|creteil|poitiers|versailles|courbevoie|pau|la rochelle|annecy|antibes|cannes|calais|beziers|
        colmar|bourges|quimper|valence|troyes|chambery|lorient|niort|bourg-en-bresse|macon|laval|le mans|ajaccio|bastia""",
    "DE": """berlin|hamburg|munchen|munich|koln|cologne|frankfurt|frankfurt am main|stuttgart|dusseldorf|leipzig|dortmund|
        essen|bremen|dresden|hannover|nurnberg|duisburg|bochum|wuppertal|bielefeld|bonn|munster|karlsruhe|mannheim|
        augsburg|wiesbaden|gelsenkirchen|monchengladbach|braunschweig|chemnitz|kiel|aachen|halle|magdeburg|freiburg|
        krefeld|lubeck|mainz|erfurt|rostock|kassel|saarbrucken|potsdam|heidelberg|darmstadt|regensburg|wurzburg|ulm|
        ingolstadt|wolfsburg|jena|trier|koblenz|konstanz|osnabruck|oldenburg|gottingen|passau|bamberg|furth|heilbronn""",
    "ES": """madrid|barcelona|sevilla|zaragoza|malaga|murcia|palma|palma de mallorca|las palmas|bilbao|alicante|cordoba|
        valladolid|vigo|gijon|hospitalet|vitoria|vitoria-gasteiz|a coruna|la coruna|granada|elche|oviedo|badalona|
        cartagena|terrassa|jerez|sabadell|mostoles|pamplona|almeria|donostia|san sebastian|burgos|santander|castellon|
        albacete|alcala de henares|getafe|logrono|badajoz|salamanca|huelva|lleida|tarragona|leon|cadiz|jaen|girona|
        marbella|toledo|santiago de compostela|valencia""",
    "IT": """roma|milano|napoli|torino|palermo|genova|bologna|firenze|bari|catania|venezia|verona|messina|padova|trieste|
        brescia|parma|taranto|prato|modena|reggio emilia|reggio calabria|perugia|livorno|ravenna|cagliari|foggia|rimini|
        salerno|ferrara|sassari|latina|monza|siracusa|pescara|bergamo|forli|trento|vicenza|terni|bolzano|novara|
        piacenza|ancona|arezzo|udine|pisa|lecce|como|varese|treviso""",
    "NL": """amsterdam|rotterdam|den haag|'s-gravenhage|the hague|utrecht|eindhoven|tilburg|groningen|almere|breda|nijmegen|
        enschede|apeldoorn|haarlem|amersfoort|arnhem|zaandam|den bosch|'s-hertogenbosch|zwolle|leiden|maastricht|
        dordrecht|zoetermeer|delft|alkmaar|venlo|deventer|hilversum|heerlen|roermond|leeuwarden|gouda|assen|helmond""",
    "BE": """bruxelles|brussel|brussels|antwerpen|anvers|gent|gand|charleroi|liege|luik|brugge|bruges|namur|namen|leuven|
        louvain|mons|bergen|aalst|mechelen|malines|la louviere|kortrijk|courtrai|hasselt|oostende|ostende|tournai|
        doornik|genk|seraing|roeselare|verviers|mouscron|wavre|waver|louvain-la-neuve|arlon|dinant|nivelles|ixelles|
        uccle|schaerbeek|anderlecht|etterbeek|waterloo|turnhout|sint-niklaas|dendermonde|ieper""",
    "CH": """zurich|geneve|geneva|genf|basel|bale|bern|berne|lausanne|winterthur|luzern|lucerne|st. gallen|st gallen|
        sankt gallen|lugano|biel|bienne|biel/bienne|thun|koniz|la chaux-de-fonds|fribourg|schaffhausen|chur|vernier|
        uster|sion|neuchatel|zug|yverdon-les-bains|kriens|rapperswil|dubendorf|dietikon|montreux|frauenfeld|wetzikon|
        baar|wil|bulle|horgen|nyon|vevey|carouge|aarau|olten|solothurn|bellinzona|locarno|delemont""",
    "AT": """wien|vienna|graz|linz|salzburg|innsbruck|klagenfurt|villach|wels|st. polten|sankt polten|st polten|dornbirn|
        wiener neustadt|steyr|feldkirch|bregenz|leonding|klosterneuburg|wolfsberg|leoben|krems|traun|amstetten|kapfenberg|
        lustenau|hallein|modling|kufstein|eisenstadt|baden bei wien""",
    "PT": """lisboa|lisbon|porto|braga|coimbra|funchal|setubal|almada|vila nova de gaia|amadora|aveiro|evora|faro|guimaraes|
        leiria|viseu|sintra|cascais|matosinhos|loures|odivelas|santarem|viana do castelo|barreiro|portimao|povoa de varzim""",
    "PL": """warszawa|krakow|kraków|lodz|łodz|łódź|wrocław|wrocław|wroclaw|poznan|gdansk|szczecin|bydgoszcz|lublin|białystok|bialystok|
        katowice|gdynia|czestochowa|radom|sosnowiec|torun|kielce|rzeszow|gliwice|zabrze|olsztyn|bielsko-biała|
        bielsko-biala|bytom|zielona gora|rybnik|ruda slaska|opole|tychy|elblag|płock|plock|tarnow|koszalin|legnica""",
    "GB": """london|birmingham|manchester|leeds|glasgow|liverpool|newcastle|newcastle upon tyne|sheffield|bristol|edinburgh|
        leicester|coventry|bradford|cardiff|belfast|nottingham|kingston upon hull|plymouth|stoke-on-trent|derby|
        southampton|portsmouth|brighton|reading|northampton|luton|bolton|aberdeen|sunderland|norwich|swansea|
        milton keynes|oxford|exeter|wolverhampton|york|ipswich""",
    "IE": "dublin|cork|galway|limerick|waterford|drogheda|dundalk|swords|bray|navan|ennis|kilkenny|tralee|athlone|sligo|letterkenny",
    "LU": """luxembourg|luxemburg|esch-sur-alzette|differdange|dudelange|ettelbruck|diekirch|wiltz|echternach|bertrange|
        strassen|hesperange|petange|mamer|grevenmacher|mersch""",
    "DK": """københavn|kobenhavn|copenhagen|aarhus|arhus|odense|aalborg|esbjerg|randers|kolding|horsens|vejle|roskilde|
        herning|silkeborg|hørsholm|helsingør|næstved|fredericia|viborg|køge|holstebro|taastrup|slagelse|hillerød""",
    "SE": """stockholm|goteborg|gothenburg|malmo|uppsala|vasteras|orebro|linkoping|helsingborg|jonkoping|norrkoping|lund|
        umea|gavle|boras|sodertalje|eskilstuna|karlstad|taby|vaxjo|halmstad|sundsvall|lulea|trollhattan|ostersund|solna""",
    "NO": "oslo|bergen|trondheim|stavanger|drammen|fredrikstad|kristiansand|sandnes|tromsø|sarpsborg|skien|bodø|ålesund|alesund",
    "FI": "helsinki|espoo|tampere|vantaa|oulu|turku|jyvaskyla|lahti|kuopio|pori|kouvola|joensuu|lappeenranta|vaasa",
    "US": """new york|los angeles|chicago|houston|phoenix|philadelphia|san antonio|san diego|dallas|austin|san jose|
        san francisco|seattle|denver|washington|boston|las vegas|portland|detroit|atlanta|miami|brooklyn|springfield""",
    "CA": "toronto|montreal|vancouver|calgary|edmonton|ottawa|winnipeg|quebec|mississauga|brampton|surrey|laval|halifax",
    "CZ": """praha|brno|ostrava|plzen|liberec|olomouc|ceske budejovice|hradec kralove|pardubice|zlin|usti nad labem|havirov|kladno|most|opava|
        frydek-mistek|karvina|jihlava|teplice|decin|karlovy vary|chomutov|jablonec nad nisou|mlada boleslav|prostejov|prerov|trebic|znojmo|
        pribram|cheb|kolin|trinec|kromeriz|vsetin|uherske hradiste|breclav|tabor|pisek|nachod|svitavy|beroun""",
    "SK": """bratislava|kosice|presov|zilina|banska bystrica|nitra|trnava|trencin|martin|poprad|prievidza|zvolen|povazska bystrica|michalovce|
        nove zamky|spisska nova ves|komarno|humenne|levice|bardejov|liptovsky mikulas|lucenec|ruzomberok|piestany|topolcany|dunajska streda""",
    "HU": """budapest|debrecen|szeged|miskolc|pecs|gyor|nyiregyhaza|kecskemet|szekesfehervar|szombathely|szolnok|erd|tatabanya|kaposvar|sopron|
        veszprem|bekescsaba|zalaegerszeg|eger|nagykanizsa|dunaujvaros|hodmezovasarhely|cegled|baja|salgotarjan|szekszard|esztergom|vac|godollo""",
    "RO": """bucuresti|cluj-napoca|timisoara|iasi|constanta|craiova|brasov|galati|ploiesti|oradea|braila|arad|pitesti|sibiu|bacau|targu mures|
        tirgu mures|baia mare|buzau|botosani|satu mare|ramnicu valcea|drobeta-turnu severin|suceava|piatra neamt|targu jiu|targoviste|focsani|
        bistrita|resita|tulcea|slatina|calarasi|alba iulia|giurgiu|deva|hunedoara|zalau|sfantu gheorghe|vaslui|turda|medias|sinaia""",
    "BG": """sofia|sofiya|plovdiv|varna|burgas|ruse|stara zagora|pleven|sliven|dobrich|shumen|pernik|haskovo|yambol|blagoevgrad|veliko tarnovo|
        софия|пловдив|варна|бургас|русе|стара загора|плевен|сливен|добрич|шумен|перник|хасково|ямбол|пазарджик|благоевград|велико търново|враца|
        габрово|асеновград|видин|казанлък|кюстендил|монтана|търговище|димитровград|силистра|ловеч|разград|горна оряховица|петрич|смолян""",
    "GR": """athens|thessaloniki|patras|heraklion|piraeus|larissa|volos|ioannina|athina|αθηνα|θεσσαλονικη|πατρα|πειραιας|ηρακλειο|λαρισα|βολος|
        ιωαννινα|τρικαλα|χαλκιδα|σερρες|αλεξανδρουπολη|ξανθη|κατερινη|καλαματα|καβαλα|χανια|λαμια|κομοτηνη|ροδος|αγρινιο|δραμα|βεροια|κοζανη|
        καρδιτσα|ρεθυμνο|κορινθος|μυτιληνη|κερκυρα|κιλκις|πτολεμαιδα|γιαννιτσα|τριπολη|αρτα|πρεβεζα|ναυπλιο|μαρουσι|γλυφαδα|περιστερι|καλλιθεα|χαλανδρι""",
    "HR": """zagreb|split|rijeka|osijek|zadar|pula|slavonski brod|karlovac|varazdin|sisak|sibenik|velika gorica|dubrovnik|bjelovar|vinkovci|
        koprivnica|vukovar|dakovo|đakovo|cakovec|pozega|zapresic|sinj|petrinja|solin|kutina|virovitica|krizevci|samobor|makarska|porec|rovinj""",
    "SI": """ljubljana|maribor|celje|kranj|velenje|koper|novo mesto|ptuj|trbovlje|kamnik|jesenice|nova gorica|domzale|skofja loka|murska sobota|
        slovenj gradec|postojna|krsko|izola|brezice|litija|zagorje ob savi|vrhnika|radovljica|bled|sezana|idrija|ajdovscina|medvode|grosuplje""",
    "RS": """beograd|novi sad|nis|kragujevac|subotica|zrenjanin|pancevo|cacak|krusevac|kraljevo|novi pazar|smederevo|leskovac|uzice|vranje|valjevo|
        sabac|sombor|pozarevac|pirot|zajecar|kikinda|sremska mitrovica|jagodina|vrsac|београд|нови сад|ниш|крагујевац|суботица|зрењанин|панчево|
        чачак|крушевац|краљево|смедерево|лесковац|ужице|ваљево|шабац|сомбор""",
    "TR": """istanbul|ankara|izmir|bursa|antalya|adana|konya|gaziantep|sanliurfa|şanlıurfa|kocaeli|mersin|diyarbakir|diyarbakır|kayseri|eskisehir|eskişehir|samsun|denizli|
        malatya|trabzon|erzurum|sakarya|manisa|balikesir|balıkesir|tekirdag|tekirdağ|hatay|kahramanmaras|kahramanmaraş|aydin|aydın|mugla|muğla|bodrum|alanya|afyonkarahisar|sivas|ordu|rize|
        giresun|zonguldak|canakkale|çanakkale|edirne|isparta|usak|uşak|corum|çorum|tokat|elazig|elazığ|gebze|izmit|adiyaman|adıyaman|yalova|duzce|düzce""",
    "MA": "casablanca|rabat|marrakech|fes|tanger|agadir|meknes|oujda|kenitra|tetouan",
    "TN": "tunis|sfax|sousse|kairouan|bizerte|gabes|ariana|monastir",
    "DZ": "alger|oran|constantine|annaba|blida|setif|bejaia|tlemcen",
}  # fmt: skip
# Top-level domains that often stand for a trade or a trend rather than for their country.
_NO_DOMAINS = frozenset(
    {"CO", "ME", "IO", "TV", "AI", "CC", "WS", "TO", "FM", "LY", "GG", "IS", "IN", "LI", "SM"}
)
_TAX = (
    (re.compile(r"(?:FR)\s?[A-Z0-9]{2}\s?\d{3}\s?\d{3}\s?\d{3}"), "FR"),
    (re.compile(r"CHE[- .]?\d{3}[. ]?\d{3}[. ]?\d{3}.*"), "CH"),
    (re.compile(r"ATU\s?\d{8}"), "AT"),
    (re.compile(r"NL\s?\d{9}B\d{2}"), "NL"),
    (re.compile(r"BE\s?[01]?\d{3}[. ]?\d{3}[. ]?\d{3}"), "BE"),
    (
        re.compile(r"ES\s?[A-Z0-9]\d{7}[A-Z0-9]|\d{8}-?[A-HJ-NP-TV-Z]|[ABCDEFGHJNPQRSUVW]-?\d{7}[0-9A-J]"),
        "ES",
    ),
    (re.compile(r"IT\s?\d{11}|[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"), "IT"),
    (re.compile(r"PT\s?\d{9}"), "PT"),
    (re.compile(r"PL\s?\d{3}-?\d{3}-?\d{2}-?\d{2}|\d{3}-\d{3}-\d{2}-\d{2}"), "PL"),
    (re.compile(r"SE\s?\d{12}"), "SE"),
    (re.compile(r"DK\s?\d{8}"), "DK"),
    (re.compile(r"LU\s?\d{8}"), "LU"),
    (re.compile(r"IE\s?\d[A-Z0-9]\d{5}[A-Z]{1,2}"), "IE"),
    (re.compile(r"GB\s?\d{9}(?:\d{3})?"), "GB"),
    (re.compile(r"DE\s?\d{9}"), "DE"),
    (re.compile(r"RO\s?\d{2,10}"), "RO"),
    (re.compile(r"CZ\s?\d{8,10}"), "CZ"),
    (re.compile(r"SK\s?\d{10}"), "SK"),
    (re.compile(r"HU\s?\d{8}|\d{8}-\d-\d{2}"), "HU"),
    (re.compile(r"BG\s?\d{9,10}"), "BG"),
    (re.compile(r"HR\s?\d{11}"), "HR"),
    (re.compile(r"SI\s?\d{8}"), "SI"),
    (re.compile(r"(?:EL|GR)\s?\d{9}"), "GR"),
)
# Text after a city's name: its district, its delivery office, its province.
_DISTRICT = re.compile(r"\s+(?:cedex.*|\d{1,2}(?:e|er|eme)?)$|\s*\([^)]*\)$|,.*$")
_WORD = re.compile(r"[^\W_]+")
# Header words up to this length match as a whole; longer ones are prefixes.
_WHOLE = 5
# Headers of tax numbers that exist only in some countries.
_TAX_HEADERS = {
    "siret": "FR", "siren": "FR", "nif": "ES PT DZ", "cif": "ES RO", "dni": "ES AR PE", "piva": "IT", "partita iva": "IT",
    "p iva": "IT", "codice fiscale": "IT", "cod fiscale": "IT", "kvk": "NL", "bsn": "NL", "btw": "NL BE",
    "kbo": "BE", "bce": "BE", "nip": "PL", "regon": "PL", "pesel": "PL", "cvr": "DK", "orgnr": "SE NO",
    "org nr": "SE NO", "organisationsnummer": "SE", "ust id": "DE AT", "ustid": "DE AT", "plz": "DE AT CH",
    "cap": "IT", "psc": "CZ SK", "ico": "CZ SK", "oib": "HR", "pib": "RS", "пиб": "RS", "еик": "BG", "булстат": "BG", "cui": "RO",
    "adoszam": "HU", "αφμ": "GR", "vkn": "TR", "vergi no": "TR", "vergi dairesi": "TR", "telemovel": "PT", "kanton": "CH",
}  # fmt: skip


def languages(headers: list[str]) -> tuple[frozenset[str], int]:
    """Return the languages that most headers may be written in, and the number of such headers."""
    counts: dict[str, int] = {}
    for header in headers:
        for language in _languages(header):
            counts[language] = counts.get(language, 0) + 1
    most = max(counts.values(), default=0)
    return frozenset(language for language, count in counts.items() if count * 3 >= most * 2), most


@lru_cache(maxsize=4096)
def _languages(header: str) -> frozenset[str]:
    words = _WORD.findall(sheets.fold(header).replace("_", " "))
    return frozenset(
        language
        for language, (whole, starts) in _header_words_by_language().items()
        if any(word in whole or word.startswith(starts) for word in words)
    )


@cache
def _header_words_by_language() -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
    words = {language: sheets.fold(text).split() for language, text in _HEADERS.items()}
    return {
        language: (frozenset(header_words), tuple(word for word in header_words if len(word) > _WHOLE))
        for language, header_words in words.items()
    }


def countries_of_headers(headers: list[str]) -> frozenset[str] | None:
    """Return the countries whose tax numbers and the like headers name; None where they name none."""
    possible: frozenset[str] | None = None
    for header in headers:
        words = f" {' '.join(_WORD.findall(sheets.fold(header).replace('.', '')))} "
        for name, countries in _TAX_HEADERS.items():
            if f" {name} " in words:
                possible = (
                    frozenset(countries.split()) if possible is None else possible & set(countries.split())
                )
    return possible


def street_languages(texts: list[str]) -> frozenset[str]:
    """Return the languages that at least half of the street lines are written in."""
    return frozenset(
        language
        for language, pattern in _STREET.items()
        if sum(1 for text in texts if pattern.search(text)) * 2 >= max(1, len(texts))
    )


@lru_cache(maxsize=8192)
def countries_of_postal_code(code: str) -> frozenset[str]:
    """Return the countries with postal codes of this format."""
    text = code.strip().upper()
    if prefixed := _PREFIXED.fullmatch(text):
        country = sheets.country_of(prefixed[1])
        return (
            frozenset({country})
            if country in _CODE and _CODE[country].fullmatch(prefixed[2])
            else frozenset()
        )
    return frozenset(country for country, pattern in _CODE.items() if pattern.fullmatch(text))


def is_postal_code_of(code: str, country: str) -> bool:
    """Return whether a postal code may be valid in a country; one without a known format accepts any."""
    pattern = _CODE.get(country)
    return (
        pattern is None
        or pattern.fullmatch(code.upper()) is not None
        or country in countries_of_postal_code(code)
    )


def country_of_postal_code(code: str) -> str | None:
    """Return the only country with postal codes of this format, as 1015 CJ is Dutch."""
    return None if len(code) < 6 else _country_of_shape(code)


@lru_cache(maxsize=8192)
def _country_of_shape(code: str) -> str | None:
    text = code.strip().upper()
    if not (_ONE_SHAPE.fullmatch(text) or _PREFIXED.fullmatch(text)):
        return None
    countries = countries_of_postal_code(text)
    return next(iter(countries)) if len(countries) == 1 else None


@lru_cache(maxsize=8192)
def countries_of_city(city: str) -> frozenset[str]:
    """Return the countries that have a large city of this name."""
    plain = _DISTRICT.sub("", sheets.fold(city)).strip()
    return _cities().get(plain) or _cities().get(plain.replace(" ", "-")) or frozenset()


@cache
def _cities() -> dict[str, frozenset[str]]:
    countries_by_city: dict[str, frozenset[str]] = {}
    for country, names in _CITIES.items():
        for name in names.split("|"):
            plain = sheets.fold(name)
            countries_by_city[plain] = countries_by_city.get(plain, frozenset()) | {country}
    return countries_by_city


def country_of_domain(email: str) -> str | None:
    """Return the country of an e-mail address' domain; None for .com and the like."""
    ending = email.rstrip(" >").rpartition(".")[2].upper()
    country = "GB" if ending == "UK" else ending
    return country if country in EVERYWHERE and country not in _NO_DOMAINS else None


def country_of_tax_number(text: str) -> str | None:
    """Return the country of a tax or VAT number."""
    plain = text.strip().upper()
    return next((country for pattern, country in _TAX if pattern.fullmatch(plain)), None)


@cache
def countries_of_currency(code: str) -> frozenset[str]:
    """Return the countries in which a currency is in use."""
    rows = get_global("territory_currencies")
    return frozenset(
        country
        for country in COUNTRIES
        if any(
            currency == code and until is None and is_tender
            for currency, _, until, is_tender in rows.get(country, [])
        )
    )
