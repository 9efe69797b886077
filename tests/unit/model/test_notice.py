from __future__ import annotations

from email.headerregistry import Address

from hypothesis import example, given
from hypothesis import strategies as st

from workers.model.notice import (
    FACTS,
    LONGEST_SUBJECT,
    LONGEST_TEXT,
    fill,
    is_plain_address,
    lines,
    one_line,
    unknown_facts,
)

TEXTS = st.text(st.characters(), max_size=400)


@given(TEXTS)
def test_one_line_is_printable_bounded_and_has_no_line_breaks(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LONGEST_SUBJECT
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    line.encode()


@given(TEXTS)
def test_lines_keep_newlines_and_no_other_control_character(text: str) -> None:
    plain = lines(text * 30)
    assert len(plain) <= LONGEST_TEXT
    assert all(character == "\n" or character.isprintable() or ord(character) >= 0xA0 for character in plain)
    plain.encode()


@given(st.one_of(st.emails(), st.text("aé.@-\x00\x85 ,", max_size=9).map(lambda text: f"{text}@b.example")))
@example("a.b+c@d-e.example")
@example("ops@localhost")
@example("a..b@c.example")
def test_a_plain_address_is_one_that_a_mail_can_be_addressed_to(text: str) -> None:
    if is_plain_address(text):
        assert str(Address(addr_spec=text)) == text
    else:
        assert text not in {"a.b+c@d-e.example", "ops@localhost"}


@given(st.dictionaries(st.sampled_from(FACTS), TEXTS))
def test_a_fact_is_filled_in_once_and_never_read_as_a_template(facts: dict[str, str]) -> None:
    nested = {name: f"{{{name}}}{value}{{run_id}}" for name, value in facts.items()}
    for name, value in nested.items():
        assert fill(f"<{{{name}}}>", nested) == f"<{value}>"


def test_a_template_says_only_what_is_a_fact() -> None:
    assert (
        fill("{status}{nothing}{{status}}{0.real}{a.b}", {"status": "FAILED"}) == "FAILED{nothing}{FAILED}{0.real}{a.b}"
    )
    assert unknown_facts("{status} {secret} {org_slug}") == ("secret",)
