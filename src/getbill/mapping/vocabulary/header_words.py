"""Header words and their concepts; `words/` has those of further languages.

A header is read word by word: `Rechnungs-Nr.` has the concepts invoice and number. Words are listed without
accents and in lower case, phrases with underscores between their words. A word with two concepts names both
with a plus sign.
"""

# Words by concept.
WORDS: dict[str, str] = {
    # Parties.
    "debtor": """client clients cli clt debiteur debiteurs debitore debitori debitor debitoren deb debtor debtors
        deudor deudores kunde kunden kd kdn kundin klant klanten relatie customer customers cust cliente
        clienti clientes acheteur payer payeur payor zahler betaler locataire tenant mieter inquilino
        patient patiente patienten paciente paziente adherent mitglied socio abonne abonnes subscriber
        schuldner schuldenaar destinatario destinataire tiers tercero partner partenaire geschaftspartner
        assure souscripteur huurder titular intestatario committente redevable usager donneur_d_ordre
        facture_a facturer_a bill_to billto billing sold_to soldto rechnungsempfanger empfanger
        auftraggeber afnemer payee_name client_facture buyer geadresseerde cessionario coproprietaire
        eleve  famille membre member lid leden eigentumer propietario proprietario proprietaire
        eigenaar compte_client customer_account kundenkonto debitorenkonto compaux auxiliaire
        zahlungspflichtige zahlungspflichtiger zahlungspflichtige_r cislo_org cislo_organizace condomino condomini comunero comuneros propietaria compte_auxiliaire compte_tiers personenkonto debiteurenrekening contratante parent guardian tutor
        tuteur responsable_legal responsable_financier cte clte klantrelatie debtornumber guest dealer
        reseller revendeur distributeur emprunteur borrower kreditnehmer prestatario mutuatario assicurato
        contraente asegurado tomador versicherter verzekerde insured utente abbonato abonado abonnee
                 admission
        preneur cessionnaire obligor payers rechnungskunde zahlungspflichtiger  inquilina
        mandataria titolare
        klient kontrahent nabywca odbiorca dluznik platnik odberatel zakaznik kund kunder kundens galdenar
        klientide vevo ugyfel partner_neve asiakas asiakkaan asiakasnumero podmiot podmiotu devedor""",
    "creditor": """creancier creditor creditore acreedor glaubiger schuldeiser mandant mandante mandataire
        societe_emettrice entite_facturante emetteur glaubigerin opdrachtgever issuer""",
    "supplier": "fournisseur supplier vendor lieferant proveedor fornitore leverancier crediteur kreditor",
    "company": """societe entreprise company firma unternehmen empresa azienda ditta bedrijf bedrijfs
        organisation organization organisatie enseigne business corporation firm soc ste etablissement
        firmen compania organizacion societa verein association ente
        nazev_organizace spolka spolecnost foretag bolag virksomhed foretak""",
    "company+name": """raison_sociale razon_social ragione_sociale denomination_sociale denominazione_sociale
        denominazione bedrijfsnaam firmenname handelsnaam nom_commercial nombre_comercial trading_name rs
        rag_soc r_sociale rsociale raisonsociale statutaire_naam ragionesociale razonsocial
        organizationname organisationsname
        nazwa_firmy nazwa_kontrahenta obchodni_nazev foretagsnamn designacao_social denominacao_social
        nome_empresa razao_social""",
    "contact": """contact contacts ansprechpartner kontakt contacto contatto contactpersoon interlocuteur
        persona_de_contacto kontaktperson attention attn""",
    "rep": """commercial vendeur salesperson sales_rep sales_person sales_manager rep representant vertreter agent agente venditore verkoper
        sachbearbeiter gestionnaire responsable owner manager user utilisateur zustandig assigned collector
        comercial bearbeiter suivi_par charge_de_clientele account_manager chasseur conseiller salesman
        accountmanager vendedor assegnato operatore benutzer gebruiker created_by behandelaar recouvreur practitioner provider therapist dentist behandler praticien
        medecin soignant technician technicien monteur driver chauffeur saljare selger""",
    "other": """amo amc mutuelle secu cpam insurance insurer versicherung verzekeraar assurance tiers_payant third_party_payer guarantor caution avaliste garant garante burge emergency notaire avocat lawyer anwalt
        referent employer employeur arbeitgeber""",
    # Documents.
    "invoice": """facture factures facturas fact fac factura fra fras fattura fatture fatt ft invoice invoices
        inv rechnung rechnungen rechnungs rech rech_ rg re factuur fakt faktura fakturen facturacion bill bills
        facturation factuurs nota ausgangsrechnung ar facturado fct ausgangsrechnungs verkooporder_factuur
        fak factuurs quittance tax_invoice
        fv faktury fatura faturas lasku laskun laskunumero iuv arve arved szamla szamlak szamlaszam sorszam folio folios serie_folio parovaci_znak recibo recibos saskaita""",
    "document": """piece pieces pce doc document dokument dokumente documento documenti documentos beleg belege stuk boekstuk stuks
        ecriture voucher justificatif belegfeld belegfeld_1 documentno docto op_nummer op bkst belnr buchung_beleg
        transaction receipt
        bilag bilagsnr verifikation doklad dokument_zrodlowy""",
    "credit_note": """avoir avoirs gutschrift gutschriften abono_factura nota_credito credit_note creditnota
        credit_memo nota_di_credito creditfactuur cn credits
        kreditfaktura dobropis korekta nota_de_credito kreditering""",
    "order": """commande commandes cmd cde order orders bestellung bestell auftrag auftrags pedido ordine ordini
        po bon bl lieferschein albaran ddt opdracht devis quote angebot presupuesto preventivo offerte bestel
        bdc purchase_order ordre inkooporder
        encomenda zamowienie objednavka p_o p_o_number po_number
        uw_referentie uw_ref votre_reference votre_ref vos_references vos_ref ihr_zeichen ihre_referenz your_ref your_reference su_referencia vostro_riferimento vs_rif customer_po client_po""",
    "case": """dossier dossiers affaire affaires case file creance creances akte akten aktenzeichen az expediente
        exp pratica zaak vorgang debt debts claim incassodossier forderung forderungs zaaknummer fascicolo
        posizione sinistre matter aktenz gz ticket procedure mahnfall inkassofall inkassonummer""",
    "contract": """contrat contrats contract vertrag vertrags contrato contratto overeenkomst police polis policy
        poliza polizza abonnement subscription bail lease suscripcion abbonamento mandat loan pret
        prestamo mutuo kredit lening credit_number""",
    "number+id": "id identifiant ident identificativo kennung uuid guid",
    "number": """no num numero nummer nr nro number nos key cle
        matricule code cod codigo codice codi kode n nrs nb_id nrn zahlnummer lfdnr numer numeros nm
        cislo""",
    "reference": """ref refs reference references referenz referencia riferimento rif referentie kenmerk refer
        reff zeichen riferimenti betalingskenmerk verwijzing ref_
        referencja referens referanse
        onze_ref""",
    "internal": "interne internal intern interno interna interni vlastni eigen eigene own nos_ref notre votre unsere ihre",
    # Time.
    "date": """date dates datum fecha fechas data dt dat dte day tag_ fec datums datetime fech dag_
        dato daty paiva paivays paivamaara kuupaev datum_ kelt kelte""",
    "due": """echeance echeances ech dufr_le due falligkeit fallig faelligkeit faellig falligkeits faelligkeits
        vencimiento vencimientos vto vtos vcto venc vence scadenza scadenze scad verval vervalt
        vervaldag exigibilite pay_by payable_by payable_before
        zahlbar zahlbar_bis termine_di_pagamento uiterste uiterlijk zfbdt termine
        exigible_le a_payer_avant a_regler_avant a_payer_le due_on dueby due_by deadline betalen_voor
        betalen_voor_uiterlijk da_pagare_entro entro_il pagar_antes_de fecha_limite te_betalen_voor
        maturity limite_reglement gultig_bis pay_before
        splatnost splatnosti vencimento prazo forfald forfall forfaller forfallen termin_platnosci
        verfall verfallsdatum verfalldatum exp_date expiry_date expiration_date maksetahtaeg fizetesi_hatarido hatarido esedekesseg scadenta data_scadentei termen_de_plata eraantumispaiva mokejimo_terminas
        verv verv_dat vervdat vervd""",
    "issue": """emission emis emise emise_le emis_le issue issued ausgestellt ausstellung ausstellungs emision
        expedicion emissione uitgifte emitida facturee invoiced_on billed rechnungsstellung issuance emessa
        uitgegeven edition
        wystawienia wystawiona vystaveno vystaveni emissao utfardad udstedt""",
    "booking": """comptable comptabilisation comptabilisee buchung buchungs booking posting posted saisie creation
        created erstellt creacion creazione aangemaakt modified maj updated contable registrazione registration
        boek boeking boekings import imported export extraction modification mise_a_jour cree lastmodified
        registro alta ingreso valuta_datum wertstellung stichtag debut start beginn inicio inizio fin end ende
        derniere last_ dernier letzte ultimo ultima laatste last_contact cloture visite visit last_payment last_payment_date dernier_paiement letzte_zahlung ultimo_pago ultimo_pagamento payout payouts move_in move_out""",
    "service": "periode period periodo zeitraum leistungsdatum leistungszeitraum kwartaal trimestre mois monat month",
    "due+date": """duedate due_date vervaldatum date_limite limite_de_paiement limite_paiement fecha_limite f_vto
        f_vencimiento uiterste_betaaldatum date_exigibilite datebutoir date_butoir fallig_seit nettofallig nettofalligkeit netto_fallig netto_falligkeit netto_fallig_am nettofalligkeitsdatum
        overdue_since echu_depuis scaduto_dal vencido_desde due_since impaye_depuis pay_by_date
        forfallodatum forfallodag forfaldsdato forfaldsdag forfallsdato datum_splatnosti erapaiva data_limite
        data_de_vencimento charge_date""",
    "payment+reference": "variabilni_symbol var_symbol variabilny_symbol var_sym",
    "invoice+date": "f_factura f_fra rechnung_vom facture_du fattura_del factuur_van invoiced_at invoice_dt",
    "issue+date": "f_emision f_expedicion",
    "date+document": "trn_date transaction_date trans_date transaktionsdatum fecha_transaccion",
    "booking+date": """last_sent sent_date date_sent sent_on sent_at date_envoi versanddatum versendet_am data_invio fecha_envio
        verzenddatum bogforingsdato bokforingsdatum bokforingsdato acctg_date accounting_date gl_date skickad_datum sendt_dato ecriture_date date_ecriture date_valeur date_de_valeur data_valuta fecha_valor value_date
        valutadatum""",
    "birth": """ne_e_le naissance birth birthdate birthday geburts geburt geburtsdatum geburtstag geb nacimiento
        nascita geboorte geboortedatum dob nac date_de_naissance nasc ne_le date_of_birth anniversaire
        anniversary birth_date compleanno verjaardag geburtsdat nac_fecha cumpleanos""",
    "service+date": "date_of_service service_date",
    "neutral": """miet hausgeld beitrags beitrag loyer loyers charges cotisation cotisations rent cuota contributie
        fornitura fourniture gultig home mobilite total_general a_ce_jour ce_jour au_jour balance_to_date tenancy bailleur residentiel
        residence locazione lavoro mensuel mensuelle annuel final global lista""",
    "running": """progressif progressive cumul cumule cumulee cumules running laufend laufender kumuliert kumulierter acumulado
        acumulada progressivo progressiva lopend lopende cumulatief cumulative cumulatif kumulativ narastajaco""",
    "days": """jours jour days tage tagen dias giorni dagen retard verzug nb anzahl delay delai anciennete age
        aging dso verspatung ritardo retraso dayslate anz plazo alter
        dagar dage dnu""",
    "overdue": "overdue echu echus echue vencido vencida uberfallig ueberfallig scaduto scaduta vervallen past_due",
    # An age of debts, not an amount by itself.
    "bucket": """older plus_ancien anterieur mas_antiguo oltre ouder non_echu non_echus nicht_fallig noch_nicht_fallig not_due not_yet_due no_vencido a_scadere niet_vervallen current
        not_yet_overdue not_overdue non_echue noch_nicht_uberfallig aun_no_vencido nog_niet_vervallen sin_vencer a_vencer nao_vencido jeszcze_niewymagalne above""",
    # Money.
    "amount": """montant montants mt mnt mtt mont amount amounts amt betrag betrags betraege betrage betr importe
        importes imp importo importi bedrag bedragen somme sum summe suma somma valeur value wert valor valore
        monto cuantia umsatz importe_ dmbtr wrbtr amnt mtnt prix
        osszeg suma_totala valoare kwota wartosc castka castky belopp belob belop montante quantia""",
    "total": """total totale tot totaal gesamt totals gesamtbetrag totaux totales gesamtsumme eindtotaal endbetrag
        endsumme rechnungssumme grand_total
        razem ogolem celkom yhteensa celkem celkova totalt ialt i_alt summa""",
    "incl": """ttc brutto gross incl inkl tvac ivato iva_incluida con_iva iva_inclusa iva_incl btw_incl incl_btw
        tax_included including lordo bruto toutes_taxes_comprises inc_vat incl_vat inc_tax incl_tax inklusive
        inkl_mwst inkl_ust mit_mwst inclusief inclusief_btw inc iva_compresa totale_documento tax_inclusive
        including_tax including_vat incl_tva vat_incl t_t_c
        brutto_ cu_tva s_dph vcetne_dph inkl_moms inklusive_moms com_iva c_iva iva_incluido inkl_mva""",
    "excl": """ht htva hors_taxe hors_taxes netto net excl exkl imponibile base_imponible sin_iva subtotal
        sub_total sous_total zwischensumme ex_vat ex_btw excl_btw excl_vat excluding exclusive ohne_mwst
        zzgl_mwst exklusive exclusief exclusief_btw senza_iva iva_esclusa base taxable tax_exclusive untaxed
        untaxed_amount excl_tax nettobetrag h_t ht_ imponible neto subtotaal
        bez_dph zaklad exkl_moms exklusive_moms ekskl ekskl_moms sem_iva s_iva incidencia iliquido eks_mva""",
    "tax": """tva vat mwst ust iva btw tax taxe taxes steuer umsatzsteuer mehrwertsteuer impuesto imposta
        belasting gst impuestos sales_tax ecotaxe
        moms dph podatek mva alv afa tva_ u_st mw_st""",
    "open": """uitstaand uitstaande o_s pte ptes solde soldes reste restant restante restants outstanding open offen offener offene
        offenes saldo saldos residuo residua pendiente pendientes pdte pend openstaand openstaande openst
        balance bal remaining unpaid impaye impayes impayee impayees impagado impagados insoluto insoluti
        scoperto a_payer a_regler zu_zahlen da_pagare por_cobrar te_betalen te_ontvangen da_incassare rest
        encours owed owing arrears arretrati debito_residuo deuda dette schuld verschuldigd dovuto debido
        adeudado ruckstand rueckstand non_regle non_paye restdu a_recouvrer to_pay noch_offen
        nog_te_betalen rad a_cobrar da_saldare por_pagar offenstehend amount_due due_amount dufr
        montant_exigible balance_due total_due amountdue reste_a_payer reste_a_regler net_a_payer
        restbetrag restsumme restschuld offener_posten openstaand_bedrag still_due residual
        amount_residual due_total invoiceamountdue reste_a_recouvrer pendiente_de_cobro restante_a_payer
        te_vorderen vordering creance_ttc creance_restante outstanding_amount openbalance exigible
        montant_impaye falliger_betrag reliquat arrieres arriere achterstand reclame reclamee claimed
        reclamado gevorderd gevorderde non_saldato non_saldata no_pagado no_pagada no_cobrado no_cobrada
        niet_betaald nicht_bezahlt noch_nicht_bezahlt non_pagato non_pagata non_incassato not_paid
        non_encaisse non_solde unbezahlt unbezahlte onbetaald onbetaalde non_payee non_reglee impagada
        impagadas a_devoir zahlbetrag pendent da_versare te_voldoen no_abonado still_owed
        openstaande_schuld amount_owing unsettled noch_zu_zahlen reste_a_percevoir
        do_zaplaty pozostalo pozostalo_do_zaplaty naleznosc naleznosci nieoplacone zbyva zbyva_uhradit
        k_uhrade neuhrazeno dluh nedoplatek restbelopp restbelob restbelop kvar kvarvarande att_betala
        oppet oppen oppna aapen apent ouvert ouverte ouverts ouvertes k_likvidaci hatralek nyitott_osszeg rest_de_plata de_incasat kvarstar kvarstaende volg avoinna avoin maksamatta obetalt utestaende aterstar restgaeld udestaende skyldig at_betale a_betale divida em_divida pendente
        por_receber por_liquidar em_aberto pending reste_a_encaisser restant_a_encaisser solde_debiteur soldes_debiteurs
        saldo_deudor saldo_debitore saldo_devedor sollsaldo debetsaldo debit_balance current_trx_amount current_amount
        current_transaction_amount current_document_amount""",
    "paid": """paye payes payee paid regle regles reglee reglees encaisse encaisses encaissement encaissements
        acompte acomptes verse versement versements bezahlt gezahlt bez pagado pagada cobrado cobrada
        incassato pagato pagata versato betaald betaalde ontvangen received anzahlung anzahlungen
        teilzahlung zahlungseingang avance anticipo acconto acconti aanbetaling settled percu recu
        erhalten saldato saldata saldati payments_received deja_regle deja_paye bereits_gezahlt a_cuenta
        entregas_a_cuenta amount_paid invoiceamountpaid total_paid gezahlter bezahlter applied voldaan
        reeds_betaald paid_amount deposit deposits paid_to_date incassi verrechnet imputado eingegangen
        riscosso riscossi versamenti ricevuto ricevuti pagamenti_ricevuti abonos anticipos
        payments_applied ingresado
        zahlungen fizetett achitat incasat tasutud zaplacono zaplacone oplacono wplacono wplaty uhrazeno zaplaceno betalt betald inbetalt indbetalt
        innbetalt liquidado recebido""",
    "payment": """paiement paiements payment payments zahlung zahlungs pago pagos pagamento pagamenti betaling
        betalings betaal reglement reglements zahlungsart zahl cobro cobros incasso settlement betalingen pay
        pag maksu platnosc platnosci uhrada platba betalning""",
    "terms": """termname term_name tipo_pag tipo_pagamento cond_pag mod_pag forma_pago terms conditions condition bedingung bedingungen condiciones condizioni voorwaarden mode methode
        method forma modalita art_zahlung ziel zahlungsziel moyen betaalwijze betaaltermijn betaaltermijnen
        betalingsconditie wijze zahlungsbedingung zahlungsbedingungen medio
        condicoes sposob betalningsvillkor betalingsbetingelser""",
    "discount": """remise rabais discount skonto sconto descuento korting taux rate percent percentage escompte
        satz kurs exchange_rate cours tipo_de_cambio wisselkoers tasso quote_part prozent ristourne""",
    "fees": """frais penalite penalites penalty interest interets zinsen gebuhr gebuhren gebuehr mahngebuhr
        mahngebuhren mahnkosten fee fees recargo recargos gastos interessi mora kosten rente indemnite
        honoraires spese verzugszinsen incassokosten costs charges late_fee port versandkosten shipping_cost
        aanmaningskosten commission impago_gastos""",
    "refund": """refund refunds refunded amount_refunded rembourse remboursement remboursements erstattet erstattung
        reembolsado reembolso reembolsos rimborsato rimborso rimborsi terugbetaald terugbetaling terugbetalingen refunderet
        aterbetalt""",
    "limit": "plafond kreditlimit credit_limit fido kredietlimiet linea_de_credito limite_credito limit autorise",
    "price": "jednotkova_cena cena_jednostkowa jed_cena pu unit price unitaire preis precio prezzo prijs tarif einzelpreis unit_price stuckpreis",
    "quantity": "qte quantite qty quantity menge cantidad quantita aantal hoeveelheid unites stuckzahl",
    "debit": "debit debe dare debet soll debits",
    "credit": "solde_crediteur soldes_crediteurs saldo_acreedor saldo_creditore saldo_credor habensaldo creditsaldo credit_balance credit haben haber avere",
    "principal": "capital capitale kapital principal hoofdsom hauptforderung nominal nominale",
    "initial": "original initial initiale initiaux ursprunglich ursprunglicher origine origineel oorspronkelijk originario inicial",
    "cents": """cents centimes cent centimos centesimi minor_units minor in_cents centen pence ct cts groszy
        centavos""",
    "thousands": "keur k_eur kusd milliers teur tsd thousands k miles_de",
    "currency": """devise devises monnaie currency curr cur ccy wahrung waehrung whg wkz wrg moneda divisa div
        valuta munt munteenheid waers currency_code isocode_devise currencycode idevise val dev wahrungs
        currencycd
        penznem valuta_doc waluta mena moeda""",
    "local": """mw mandantenwahrung mandantenwaehrung ml lw ds hw hwahr hauswahr bwahr hauswahrung hauswaehrung local local_currency company_currency functional base_currency tenue
        belegwahrung belegwaehrung foreign fremdwahrung etrangere fcy lcy transaction_currency tc
        devise_locale devise_etrangere montantdevise gbl valuta_estera cambio""",
    # Contact details.
    "email": """email emails mail mails courriel mel correo posta_elettronica e_mail e_mails adresse_electronique
        emailadresse emailadres mailadresse correo_electronico email_address emailaddress adresse_mail
        adr_mail e_mail_adresse e_mailadres smtp_addr smtp mailto mailadres adresse_email indirizzo_email
        eml emailid adresse_e_mail courrier_electronique correo_e mailadressen
        sahkoposti e_post epost e_postadress adres_e_mail correio_eletronico""",
    "pec": "pec",
    "phone": """telephone tel telefon telefono telefoon fon phone phones tlf tfno tfn tlfno fixe festnetz landline
        telnr ruf rufnummer telf telefonnummer telefoonnummer phonenumber telephones telf1 phone_number
        tph telefoonnr num_tel numtel telefonnr ligne_fixe teleph telefonos tfno_ dwelling_phone tel_pro
        tel_domicile tel_bureau tel1 phone1 fono recapito contact_number contact_no contactnummer
        work_phone home_phone telefoon_prive phone_no numero_de_tel
        telefone nr_telefonu""",
    "mobile": """mobile portable gsm cell cellulare cellphone handy handynummer mobil mobiel movil cel sms whatsapp
        mobilnummer mobieltje mobiltelefon tel_portable cell_phone mobiele movel tel_mobile mobilfunk
        celular mob cell_no mob_no mobile_no mobile_number gsm_nummer num_portable
        telemovel komorka tel_kom telefon_komorkowy""",
    "fax": "fax telefax telecopie telecopieur",
    "web": "web website site_web homepage url site internet www pagina_web",
    # Names.
    "name": """nom name naam names nom_complet full_name fullname nombre nome designation_tiers
        vollstandiger_name name1 nomi nominativo namen noms nombre_completo volledige_naam klantnaam
        nazwa jmeno nazev navn imie_i_nazwisko nazwisko_i_imie beschriftung titulo kundnamn""",
    "name+object": "intitule intitules",
    "first": """prenom prenoms vorname vornamen first given forename voornaam voornamen fname pnom first_name
        firstname given_name nombre_de_pila prenom_usuel vname rufname roepnaam
        imie fornamn fornavn krestni_jmeno""",
    "last": """nom_de_famille nachname familienname zuname apellido apellidos cognome lastname last surname
        family achternaam familienaam lname patronyme last_name family_name apell primer_apellido
        nom_patronymique surnames nom_usuel nom_d_usage nname geboortenaam
        nazwisko prijmeni efternamn efternavn etternavn apelido sobrenome""",
    "infix": "tussenvoegsel tussenvoegsels voorvoegsel voorvoegsels vorsatzwort namensvorsatz particule name_infix tussen",
    "and": "",
    "civility": """civilite civ titre anrede salutation title tratamiento titolo aanhef geslacht sexe sexo gender
        sesso civilites prefix anr geschlecht honorific trato titel genre genero genere sex""",
    "language": "langue language sprache idioma lingua taal lang spras locale langue_client",
    # Addresses.
    "address": """adresse adresses address addresses anschrift direccion domicilio indirizzo adres adr addr dir
        domicile adresse_complete full_address anschr adreses direcc adresse_postale postadresse domicil
        adresszeile adresse_facturation mailing_address direccion_postal postal_address
        indirizzo_postale postadres woonadres
        adresa adress morada endereco adres_korespondencyjny""",
    "street": """rue street strasse str calle via straat voie road stras straatnaam strassenname street_name
        address1 addressline1 address_line1 addr1 line1 libelle_voie nom_de_la_rue nom_voie strase
        street_address adresse1 adr1 poaddressline1 adresse_1 adresse_ligne_1 address_line_1 address_1
        ligne_1 indirizzo_1 direccion_1 adresszeile_1 adresse_l1 adresregel_1 addr_1 adr_1 voie_
        nom_de_voie adresse_rue
        ulica ul ulice gata gatuadress vej gateadresse rua""",
    "house": """hausnummer hausnr hnr huisnummer huisnr civico numero_civico numero_voie house_number houseno
        no_voie numero_de_voie numero_rue no_rue hsnr street_number n_civico hausno nro_calle num_voie
        street_no building_number house_no huis_nr nr_huis house_name num_rue""",
    "extra": """complement complemento suite apt line2 adresse2 zusatz adresszusatz toevoeging adr2 address2
        addressline2 address_line2 addr2 batiment etage building apartment adresse_2 adresse_ligne_2
        address_line_2 address_2 ligne_2 complement_adresse complement_d_adresse indirizzo_2 direccion_2
        adresszeile_2 adresse_l2 adresregel_2 huisnummertoevoeging addr_2 adr_2 lieu_dit poaddressline2
        hausnummerzusatz""",
    "line3": """address3 address4 addressline3 addressline4 adresse3 adresse4 adresse_3 adresse_4 address_3
        address_4 address_line_3 address_line_4 adresse_ligne_3 adr3 adr4 line3 line4 poaddressline3
        poaddressline4 adresszeile_3 adresregel_3""",
    "zip": """npa billing_code billing_zip billing_zipcode cp postal postale zip plz postleitzahl postcode cap codigo_postal code_postal codepostal postkode
        zipcode zip_code eircode pstlz postal_code codigopostal cod_postal c_p postnummer cod_post codpostal cpostal
        c_postal postcodes pstcd postcd codepost code_post zip_postal zip_postal_code postcode_huisadres
        kod_pocztowy psc postnr postinumero iranyitoszam irsz cod_postal""",
    "city": """ville city ort stadt town ciudad poblacion localidad citta comune localite plaats woonplaats stad
        municipio commune localita ort01 villes bureau_distributeur vestigingsplaats wohnort pob ciud
        gemeente town_city city_town poblac loc
        sted varos telepules localitate oras postitoimipaikka paikkakunta miasto miejscowosc mesto obec postort bynavn postby poststed cidade""",
    "province": """province provincia prov state bundesland region departement county provincie kanton canton dept
        regione regio estado_provincia district quartier barrio frazione comarca""",
    "city+province": "suburb",
    "country": """pays country land pais paese nazione landcode land1 country_code code_pays countrycode
        laendercode landeskennzeichen lkz nation ctry landen nazionalita landkz code_iso_pays
        kraj panstwo zeme""",
    "ship": """livraison liefer lieferadresse shipping ship ship_to shipto versand envio spedizione bezorg
        delivery entrega consegna aflever afleveradres lever""",
    # Subjects.
    "object": """article articles articulo articolo artigo objet libelle designation description desc betreff bezeichnung concepto descripcion causale
        descrizione oggetto omschrijving subject motif text buchungstext verwendungszweck prestations
        product produit item motivo onderwerp asunto nature_de_la_creance motif_creance intitule_facture
        leistungstext libelle_ecriture ecriturelib object service_rendu artikel servicio detalle details
        reason factuuromschrijving beschreibung producto productos leistung leistungen prestation opis
        detalle_factura dienst
        kohde tytul popis beskrivning beskrivelse descricao""",
    "note": """vermerk vermerke uwagi poznamka anteckning merknad bemaerkning huomautus commentaire commentaires comment comments notes note_ bemerkung bemerkungen notiz notizen
        observaciones observation observations opmerking opmerkingen annotazioni remarque remarques memo
        kommentar commenti interno_nota historique remark remarks""",
    "iban": "iban iban_nr iban_no ibancode",
    "bank": """banque bank banco banca compte_bancaire bankverbindung rib cuenta_bancaria
        conto_corrente bankrekening rekeningnummer kontoinhaber domiciliation rekening coordonnees_bancaires""",
    "bic": "bic swift blz bic_swift",
    "virtual": "virtuel virtual virtuelle virtueel zahlungskonto collecting encaissement_iban",
    "link": "lien link url enlace links lien_de_paiement zahlungslink payment_link paylink betaallink",
    "scenario": "scenario sequence timeline szenario escenario",
    # Concepts unrelated to a debt's fields.
    "status": """tila statut status stato estado etat situation statut_facture situacion factuurstatus paystatus
        etat_ situazione payment_state state_payment lifecycle
        zustand tilstand stav situacao fizetesi_allapot allapot statusz stare estatus tila stan status_platnosci""",
    "reminder": """relance relances mahnstufe mahnung mahnungen mahn reminder reminders dunning aanmaning aanmaningen
        sollecito solleciti reclamacion recordatorio niveau level mahnlauf letzte_mahnung rappel
        herinnering herinneringen stufe mise_en_demeure inkassostatus
        aanm rykker rykkere paminnelse ponaglenie monit upominka lembrete purring""",
    "lettering": """lettrage lettre let code_lettrage ecriture_let ecriturelet ecriture_lettrage date_let datelet ltr ltrg
        lettrages rapprochement rapproche rapprochee reconciled reconciliation matching_number matched full_reconcile
        full_reconcile_id ausgleich ausgleichs ausgleichsbeleg ausgleichsdatum augbl augdt clearing clearing_document
        cleared cleared_date punteo punteado punteada casado casacion conciliado conciliada riconciliato riconciliazione
        afletter aflettering afgeletterd afletteren afgepunt afpunten pointage pointe""",
    "disputed": """litige litiges litigieux litigation dispute disputed contentieux conteste contestation strittig
        bestritten disputa litigio contestazione contenzioso geschil betwist dispuut query queried hold on_hold sperre
        mahnsperre blocked bloque bloquee bloqueado bloccato gesperrt geblokkeerd reklamation
        klarung in_klarung procedure_collective procedures_collectives plan_de_paiement payment_plan ratenplan
        ratenzahlung betalingsregeling plan_de_pagos piano_di_rientro surendettement insolvenz insolvency insolvence""",
    "disputed+other": "huissier bailiff deurwaarder gerichtsvollzieher",
    "cancelled": """annule annulee annulation cancelled canceled cancellation void voided storniert anulada anulado
        annullata annullato geannuleerd brouillon entwurf borrador bozza draft""",
    "sides": """soll_haben_kennzeichen sh_kennzeichen shkz shkzg sens sens_ecriture signe vorzeichen dr_cr drcr
        debit_credit_indicator credit_debit_indicator debit_credit_code posting_side kennzeichen_sh segno sh s_h dc d_c""",
    "priority": "phase etape stage aktiv actif active activo attivo actief priorite prioridad priority priorita phase_ fase",
    "taxid": """siret siren tva_intra tva_intracom tva_intracommunautaire ust_id ustid ust_idnr nif cif dni piva
        partita_iva p_iva codice_fiscale kvk steuernummer btw_nummer taxid vat_id vat_no vat_number ein
        ssn bsn n_tva no_tva numero_tva vat_reg tax_id steuer_id cod_fiscale codicefiscale kvk_nummer
        nif_cif cif_nif nie num_siret cf companies_house handelsregister hrb registration_number
        tax_number btwnummer ust_idnummer vatnumber stceg code_naf naf ape code_ape no_siret no_siren rcs
        codice_sdi sdi rut cuit cuil ruc rfc cnpj nit kbo orgnr vat_registration_number steuernr uid
        ust_nr siren_siret fiscal_code tax_no rea
        nip regon ico dic cvr organisationsnummer nipc contribuinte""",
    "journal": "journal jnl jal jrnl dagb dgb code_jal code_jnl journalcode journallib dagboek buchungskreis bukrs diario giornale company_code",
    "account": """compte comptes cpt cpte konto cuenta cta conto account acct acc a_c kontonummer grootboek grootboekrekening
        gegenkonto ledger sachkonto gl sottoconto subcuenta gl_account general contrapartida comptenum
        compte_general kostenstelle""",
    "kind": """type typ tipo art soort nature serie series soorten tipologia
        rodzaj druh""",
    "kind+document": "belegart blart documenttype doctype doc_type move_type tipo_doc type_piece type_doc tipodoc trans_type transaction_type",
    "segment": """project projects projekt projekte projet projets proyecto progetto projekty kategorie category categorie categoria groupe group gruppe gruppo grupo branche secteur sector segment
        familia classe class tags tag labels label""",
    "row": "ligne line row zeile index lfd rang ordre_ regel pos position riga linea fila volgnummer laufende",
    "unit": "objekt agence agency filiale succursale site_ establishment filialnummer zweigstelle sede vestiging store shop",
    "quality": "score rating note_interne scoring risque risk risiko rischio riesgo bonitat",
    "flag": "oui_non flag yes_no checkbox is has exporte exported",
}

# Complete headers with exactly one field: the names of our own API, of the published docs and of programs
# whose headers are not words.
WHOLE: dict[str, str] = {
    "reference": "internal_id debt_reference",
    "invoice_reference": """invoice_reference piece_ref pieceref xblnr re_nr belegfeld_1 op_nr opnr invoicenumber
        move_name document_number""",
    "debtor_reference": """debtor_reference kunnr comp_aux_num compauxnum customer_id_external debtor_id
        partner_ref deb_nr debnr""",
    "name": "nazev_firmy_nebo_jmeno_osoby debtor_name comp_aux_lib compauxlib name1 partner_id partner invoice_partner_display_name",
    "first_name": "firstname debtor_first_name first_name",
    "last_name": "lastname debtor_last_name last_name",
    "company": "debtor_company",
    "civility": "debtor_civility",
    "birthdate": "debtor_birthdate",
    "language": "debtor_language",
    "email": "debtor_email smtp_addr",
    "phone": "debtor_phone telf1",
    "mobile": "telf2",
    "address": "debtor_address full_address",
    "street_address": "stras street_address debtor_address_street_address",
    "street_number": "street_number debtor_address_street_number",
    "postal_code": "pstlz debtor_address_postal_code",
    "city": "ort01 by debtor_address_city",
    "country": "land1 debtor_address_country",
    "amount": "amount_residual amount_residual_signed invoiceamountdue restdu",
    "amount_invoiced": "amount_total amount_total_signed",
    "amount_paid": "invoiceamountpaid amount_paid",
    "currency": "waers idevise currency_id",
    "due_date": "whendue payment_till pay_till payable_till invoice_date_due zfbdt_due date_lim_reglement",
    "invoice_date": "whencreated invoice_created_at invoice_created piece_date piecedate bldat datef",
    "creditor": "creditor_name creditor",
    "payment_link": "payment_link",
    "object": "sgtxt",
}

# Words that only join others.
JOINING = frozenset(
    [
        "de",
        "du",
        "des",
        "d",
        "la",
        "le",
        "les",
        "l",
        "en",
        "of",
        "the",
        "der",
        "die",
        "das",
        "dem",
        "den",
        "von",
        "van",
        "el",
        "los",
        "las",
        "del",
        "della",
        "dello",
        "dei",
        "degli",
        "di",
        "a",
        "au",
        "aux",
        "pour",
        "for",
        "para",
        "per",
        "bei",
        "zum",
        "zur",
        "et",
        "and",
        "und",
        "e",
        "y",
        "i",
        "o",
        "ou",
        "or",
        "oder",
        "to",
        "al",
        "il",
        "da",
        "het",
        "een",
        "un",
        "une",
        "in",
        "im",
        "mit",
        "con",
        "avec",
        "sur",
        "sobre",
        "on",
        "auf",
        "am",
        "par",
        "by",
        "is",
        "est",
        "s",
        "votre",
        "notre",
        "your",
        "our",
        "ihr",
        "ihre",
        "nos",
        "vos",
        "su",
        "sus",
        "sales",
        "ventes",
        "verkoop",
        "ventas",
        "euro",
        "euros",
        "vendita",
        "vendite",
        "verkauf",
        "til",
        "till",
        "av",
        "af",
        "fra",
        "fran",
        "og",
        "och",
        "med",
        "uz",
        "ir",
    ]
)

# Currency codes as headers write them.
SIGNS = {"€": "eur", "£": "gbp", "¥": "jpy"}
