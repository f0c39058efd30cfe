"""Templates that would run, fetch, fail or never end: refused at publishing, with the part, the line and the way out."""

from dataclasses import replace
from typing import Any

import pytest

from calls import Answer
from collecting import ContactWorkspace
from debts.conftest import read
from getbill import channels
from getbill.channels import Wording, markup

EMAIL = "/templates/wave_1_email/en"
PLAIN = "{{ creditor }} {{ how_to_pay }} "
SAMPLES = (
    channels.sample(iban="FR7630006000011234567890189"),
    channels.sample(payment_link="https://pay.example/1?a=1&b=2", reference="x onclick=y \"'<b>"),
    channels.sample(contact_phone="+33 6 12 34 56 78", due_on=None, debtor_address=()),
)

# What is added to a text that could be published, and what the refusal says of it.
SOURCES = {
    "{{ " + "9" * 5000 + " }}": "at most 15 digits",
    "{{ 0x" + "f" * 5000 + " }}": "at most 15 digits",
    "{{ " + "(" * 3000 + " }}": "brackets may be nested at most",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}": "brackets may be nested at most",
    "{{ creditor" + "|upper" * 3000 + " }}": "at most 60 names and operators",
    "{{ " + "not " * 4000 + "iban }}": "at most 60 names and operators",
    "{{ " + "-" * 5000 + "1 }}": "at most 60 names and operators",
    "{{ creditor" + ".a" * 4000 + " }}": "at most 60 names and operators",
    "{{ " + "'a' if iban else " * 500 + "'b' }}": "at most 60 names and operators",
    "{% if iban %}" * 1000 + "{% endif %}" * 100: "at most 8 deep",
    "{% if iban %}a" + "{% elif iban %}b" * 1000 + "{% endif %}": "at most 50 elif",
    "{{iban}}" * 2000: "at most 1000 tags",
    "{% for a in creditor_address %}{% for b in debtor_address %}"
    + "{{how_to_pay}}" * 900
    + "{% endfor %}{% endfor %}": "at most 100000 characters",
    "{% for a in creditor_address %}" * 3 + "{% endfor %}" * 3: "loops may be nested at most 2 deep",
    "{{ creditor < 3 }}": "text and number cannot be compared with <",
    "{{ 3 in creditor }}": "number cannot be in text",
    "{{ creditor in 3 }}": "text cannot be in number",
    "{{ none < 3 }}": "none and number",
    "{% if payment_link and iban and iban < 1 %}x{% endif %}": "text and number",
    "{% if reference == 'nobody s' and iban < 1 %}x{% endif %}": "text and number",
    "{{ how_to_pay < 'a' }}": "cannot be compared; compare",
    "{{ how_to_pay|upper }}": "upper applies to text only",
    "{{ creditor_address|upper }}": "upper applies to text only",
    r"{{ '\ud800' }}": "half a surrogate pair",
    r"{{ '\ude00\ud83d' }}": "half a surrogate pair",
    r"{% if reference == 'nobody s' %}{{ '\ud800' }}{% endif %}": "half a surrogate pair",
    r"{{ '\ud83d' }}{{ '\ude00' }}": "half a surrogate pair",
    r"{{ '\x00' }}": "U+0000",
    r"{{ '\u202e' }}": "U+202E",
    "a\u202eb": "U+202E",
    "a\x07b": "U+0007",
    r"{{ '\x' }}": "this backslash does not start an escape",
    "{{ 9**9**9 }}": "(pow)",
    "{{ 'a' * 999999999 }}": "(mul)",
    "{{ '%999999999s'|format('a') }}": "(format)",
    "{{ '{:>999999999}'.format(1) }}": "(call)",
    "{{ '%999999999s' % 'a' }}": "(mod)",
    "{{ creditor|center(999999999) }}": "(center)",
    "{{ creditor|upper(1) }}": "takes no brackets",
    "{{ creditor_address|sort }}": "(sort)",
    "{{ creditor_address|groupby('x') }}": "(groupby)",
    "{{ creditor|attr('__class__') }}": "(attr)",
    "{{ creditor|unheard_of }}": "(unheard_of)",
    "{{ creditor is unheard_of }}": "(unheard_of)",
    "{% unheard_of %}": "(unheard_of)",
    "{{ creditor.__class__.__mro__ }}": "(getattr)",
    "{{ creditor['__class__'] }}": "(getitem)",
    "{{ creditor.nothing }}": "(getattr)",
    "{{ creditor() }}": "(call)",
    "{{ range(10**9)|list }}": "(list)",
    "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}": "are lists",
    "{% for a in creditor_address recursive %}{{ loop(a) }}{% endfor %}": "(for)",
    "{% for a, b in creditor_address %}{% endfor %}": "(for)",
    "{% for iban in creditor_address %}{% endfor %}": "another name",
    "{% for a in creditor_address %}{% endfor %}{% if reference == 'nobody s' %}{{ a }}{% endif %}": "unknown variable 'a'",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}": "(macro)",
    "{% set a = 1 %}": "(set)",
    "{% include 'fr/_pay.txt' %}": "(include)",
    "{% extends 'layout.html' %}": "(extends)",
    "{% import 'layout.html' as x %}": "(import)",
    "{% autoescape false %}{{ creditor }}{% endautoescape %}": "(autoescape)",
    "{{ creditor": "ends where '}}' was expected",
    "{% if iban %}x": "an if or for is not closed",
    "{# x": "a comment is not closed",
}
# What is added to a page that could be published.
PAGES = {
    "<scr{{ '' }}ipt>alert(1)</scr{{ '' }}ipt>": "<script> is not allowed",
    "<SCRIPT>alert(1)</SCRIPT>": "<script> is not allowed",
    "<svg/onload=alert(1)>": "<svg> is not allowed",
    "<svg><style><img src=x onerror=alert(1)></style></svg>": "<svg> is not allowed",
    "<math><mtext><a href=javascript:alert(1)>x</a>": "<math> is not allowed",
    "<style>@import url(https://t.example/x.css)</style>": "<style> is not allowed",
    '<link rel=stylesheet href="https://t.example/x.css">': "<link> is not allowed",
    '<meta http-equiv="refresh" content="0;url=https://t.example">': "<meta> is not allowed",
    '<base href="https://t.example">': "<base> is not allowed",
    '<form action="https://t.example"></form>': "<form> is not allowed",
    '<button formaction="https://t.example">x</button>': "<button> is not allowed",
    '<input type=image src="https://t.example">': "<input> is not allowed",
    '<video poster="https://t.example"></video>': "<video> is not allowed",
    '<picture><source srcset="https://t.example"></picture>': "<picture> is not allowed",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>": "<iframe> is not allowed",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>': "<noscript> is not allowed",
    "<title><img src=x></title>": "<title> is not allowed",
    "<{{ 'img' }} src=https://t.example/p.gif>": "Images must be embedded",
    '<img src="https://t.example/p.gif">': "Images must be embedded",
    '<img src="//t.example/p.gif">': "Images must be embedded",
    '<img src="data:image/svg+xml;base64,AAAA">': "Images must be embedded",
    '<img src="cid:logo" srcset="https://t.example/p.gif 1x">': "srcset is not allowed on <img>",
    '<a href="java&#115;cript:alert(1)">x</a>': "href of <a> must begin with https:",
    '<a href="JaVaScRiPt:alert(1)">x</a>': "href of <a> must begin with https:",
    '<a href="java\tscript:alert(1)">x</a>': "href of <a> must begin with https:",
    '<a href="java&Tab;script&colon;alert(1)">x</a>': "href of <a> must begin with https:",
    '<a href="&#1;javascript:alert(1)">x</a>': "href of <a> must begin with https:",
    "<a href=\"{{ 'javascript' }}:alert(1)\">x</a>": "href of <a> must begin with https:",
    '<a href="data:text/html,x">x</a>': "href of <a> must begin with https:",
    '<a href="//t.example">x</a>': "href of <a> must begin with https:",
    '<a href="{{ reference }}">x</a>': "href of <a> must begin with https:",
    '<a href="{{ payment_link }}">x</a>': "put it in {% if",
    '<a href="https://x.example" ping="https://t.example">x</a>': "ping is not allowed on <a>",
    "<p OnClick=alert(1)>x</p>": "onclick is not allowed on <p>",
    "<p/onclick=alert(1)>x</p>": "onclick is not allowed on <p>",
    '<p {{ "on" }}click="x">x</p>': "onclick is not allowed on <p>",
    '<table background="https://t.example"></table>': "background is not allowed on <table>",
    '<p style="background:url(https://t.example)">x</p>': "is not allowed in the style of <p>",
    '<p style="background:&#117;rl(x)">x</p>': "url() is not allowed in the style of <p>",
    r'<p style="background:u\72l(x)">x</p>': "is not allowed in the style of <p>",
    '<p style="width:expression(alert(1))">x</p>': "expression() is not allowed in the style of <p>",
    "<p style=\"@import 'x'\">x</p>": "is not allowed in the style of <p>",
    '<p style="position:fixed">x</p>': "position is not allowed in the style of <p>",
    '<p style="color:{{ reference }}">x</p>': "double-quoted attributes",
    "<p title={{ reference }}>x</p>": "double-quoted attributes",
    "<!-- x -->": "HTML comments are not allowed",
    "<!--[if mso]><img src=https://t.example><![endif]-->": "HTML comments are not allowed",
    "<![CDATA[x]]>": "'<!' and '<?'",
    "<?xml version='1.0'?>": "'<!' and '<?'",
    "<b>x": "<b> is not closed",
    "<div>x": "<div> is not closed",
    "x</div>": "</div> matches no open tag",
    '<p title="x': "is not terminated",
    '<p title="x" title="y">z</p>': "title twice",
    "<b>" * 20 + "x" + "</b>" * 20: "is nested too deeply",
    "<div>" * 200 + "x" + "</div>" * 200: "is nested too deeply",
    "<td>x</td>": "<td> is not allowed in this place",
    '<a href="https://[">x</a>': "<a> is not allowed in this place",
    "<bloc\u212aquote>x</bloc\u212aquote>": "<blockquote> is not allowed in this place",
    "&#x202e;x": "U+202E",
}
# What looks like it and may stand.
HARMLESS = (
    "(" * 3000,
    "}}" * 3000,
    r"{{ '\ud83d\ude00' }}",
    "{{ due_on }}{{ due_on|upper }}{{ payment_link < 'x' }}{{ 'a' in iban }}",
    "{{ 'x' if reference == 'nobody s' }}",
    "{{ 1 < 2 < 3.5 }}{{ 1e999999999 }}",
    "{{ '<script>' }}",
    "{% raw %}{{ x }}{% endraw %}{# mine #}",
    "{% for line in debtor_address if line %}{{ line|trim }}{% else %}-{% endfor %}{{ debtor_address }}",
    "a < b &amp; c",
    "<p>{{ foot }}</p>",
    "<ul><li>a<li>b</ul><br/><hr>",
    "<table width=600 cellpadding='0'><tr><td style='padding:4px;font:16px/1.5 \"Helvetica Neue\",sans-serif'>x</table>",
    '<img src="cid:logo" alt="{{ creditor }}"><p title="{{ reference }}" dir="ltr">x</p>',
    '{% if payment_link %}<a href="{{ payment_link }}" target="_blank">Pay</a>{% endif %}',
    '<a href="mailto:{{ contact }}">x</a><a href="tel:{{ contact }}">x</a>',
)


async def answered(workspace: ContactWorkspace, words: dict[str, Any]) -> list[Answer]:
    wording = {"subject": "s", "text": PLAIN} | words
    return [
        await workspace.post(f"{EMAIL}/preview", {"wording": wording}),
        await workspace.post(EMAIL, wording),
    ]


@pytest.mark.parametrize(("added", "text"), SOURCES.items())
@pytest.mark.parametrize("part", ["text", "html"])
async def test_a_source_that_could_fail_or_never_end_is_refused(
    workspace: ContactWorkspace, part: str, added: str, text: str
) -> None:
    for answer in await answered(workspace, {part: f"{PLAIN}\n{added}"}):
        assert answer.status == 422, answer.body
        (first, *_) = read(answer)["errors"]
        assert first["pointer"].removeprefix("/wording") == f"/{part}"
        assert text in first["detail"]
        assert "at most 100000" in text or first["detail"].startswith("Line ")


@pytest.mark.parametrize(("added", "text"), PAGES.items())
async def test_a_page_that_would_run_or_fetch_is_refused_by_name(
    workspace: ContactWorkspace, added: str, text: str
) -> None:
    for answer in await answered(workspace, {"html": f"{PLAIN}\n{added}"}):
        assert answer.status == 422, answer.body
        (first, *_) = read(answer)["errors"]
        assert first["pointer"].removeprefix("/wording") == "/html"
        assert text in first["detail"]
        assert first["detail"].startswith("Line ")


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize("added", HARMLESS)
async def test_what_only_looks_like_it_is_published_and_leaves(
    workspace: ContactWorkspace, part: str, added: str
) -> None:
    wording = Wording("s", PLAIN, None) if part == "html" else Wording("s", PLAIN + added)
    if part == "html":
        wording = Wording("s", PLAIN, PLAIN + added)

    previewed, published = await answered(workspace, {part: PLAIN + added})

    assert (previewed.status, published.status) == (200, 201), previewed.body
    for facts in SAMPLES:
        message = channels.render_wording(wording, "wave_1_email", "en", facts)
        assert (message.text + (message.html or "")).encode()
        assert "None" not in message.text


async def test_an_emoji_in_two_halves_is_one(workspace: ContactWorkspace) -> None:
    previewed, _ = await answered(workspace, {"text": PLAIN + r"{{ '\ud83d\ude00' }}"})

    assert read(previewed)["text"].endswith("\U0001f600\n")


@pytest.mark.parametrize(
    "html",
    [
        "<p>x<div>y</div>" * 1100,
        "".join(f"<b title={at}>" for at in range(12)) + "<p>x<div>y</div>" * 1000 + "</b>" * 12,
        "<p " + "a=b " * 4000 + ">",
        "<a " * 4000,
        '<p title="' * 1500,
        '<p style="color:' + "(" * 18000 + '">',
        "<" * 19000,
        "&" * 19000,
    ],
)
def test_a_page_that_a_parser_would_blow_up_stays_within_bounds(html: str) -> None:
    clean, _ = markup.sanitize(html)

    assert len(clean) <= 30 * len(html)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "{{ creditor }} {% if payment_link and iban %}-{% else %}{{ how_to_pay }}{% endif %}",
            "no-way-to-pay",
        ),
        (
            "{{ creditor }} {% if iban and contact and not due_on %}-{% else %}{{ how_to_pay }}{% endif %}",
            "no-way-to-pay",
        ),
        (
            "{{ how_to_pay }} {% if collector == creditor %}{{ creditor }}{% endif %}{% if not iban %}{{ creditor }}{% endif %}",
            "no-sender",
        ),
        (
            "{{ how_to_pay }} {% if not (debtor_address or has_logo) %}-{% else %}{{ creditor }}{% endif %}{% if pay_by == 'transfer' %}{{ creditor }}{% endif %}",
            "no-sender",
        ),
    ],
)
def test_every_combination_of_present_and_absent_is_tried(text: str, code: str) -> None:
    assert ("text", code) in [
        (fault.part, fault.code) for fault in channels.faults(Wording("s", text), "own_email", "en")
    ]


@pytest.mark.parametrize(
    ("wording", "text"),
    [
        # As the database may hold them, from before they were refused.
        (Wording("s", r"{{ '\ud800' }}" + PLAIN), "half a surrogate pair"),
        (Wording("s", PLAIN + "{{ 9**9**9 }}"), "(pow)"),
        (Wording("s", PLAIN, PLAIN + "<script>x</script>"), "an element in <script> is not allowed"),
        (
            Wording(
                "s", "{% if reference == 'INV-2024-0042' %}x{% else %}{{ foot }}{{ how_to_pay }}{% endif %}"
            ),
            "State the sender",
        ),
        (
            Wording(
                "s", PLAIN + "{% if reference == 'INV-2024-0042' %}" + "{{ foot }}" * 900 + "{% endif %}"
            ),
            "at most 100000",
        ),
    ],
)
def test_what_came_into_the_database_another_way_does_not_leave(wording: Wording, text: str) -> None:
    with pytest.raises(channels.WordingBroken, match=".*" + text.replace("(", r"\(").replace(")", r"\)")):
        channels.render_wording(wording, "wave_1_email", "en", SAMPLES[0])


@pytest.mark.parametrize(
    "text",
    [
        r"{{ '\ud800' }}",
        PLAIN + "{{ 9**9**9 }}",
        "{% if reference == 'INV-2024-0042' %}x{% else %}{{ foot }}{{ how_to_pay }}{% endif %}",
    ],
)
async def test_a_broken_edition_in_force_is_previewed_as_refused(
    workspace: ContactWorkspace, text: str
) -> None:
    await workspace.engine.database.pool.execute(
        "INSERT INTO templates VALUES ($1, 'wave_2_email', 'en', 1, 's', $2, NULL, now())",
        workspace.engine.id,
        text,
    )

    previewed = await workspace.post("/templates/wave_2_email/en/preview")

    assert previewed.status == 422, previewed.body
    assert (await workspace.get("/templates/wave_2_email/en")).status == 200


@pytest.mark.parametrize(
    "creditor", ["Acme\u00a0SA", "  Acme  SA ", 'Acme <b>&amp; "O\'Neil"</b>', "A\u2028B", "\u202bشركة\u202c"]
)
@pytest.mark.parametrize("html", [None, "<p title='{{ creditor }}'>{{ creditor }}</p>{{ how_to_pay }}"])
def test_whatever_a_company_is_called_its_messages_leave(creditor: str, html: str | None) -> None:
    for facts in SAMPLES:
        message = channels.render_wording(
            Wording("s", PLAIN, html),
            "wave_1_email",
            "en",
            replace(facts, creditor=creditor, debtor=creditor),
        )
        assert message.html
