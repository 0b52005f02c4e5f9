"""The catalogue says everything in both languages, and names every kind of cause that there is."""

from __future__ import annotations

import re

import pytest

from pipelines.project import InputError
from pipelines.reports.messages import read_messages


def test_both_languages_have_the_same_texts_with_the_same_words_to_fill_in():
    danish, english = read_messages("da").texts, read_messages("en").texts
    assert danish.keys() == english.keys()
    for name in danish:
        assert set(re.findall(r"{\w+}", danish[name])) == set(re.findall(r"{\w+}", english[name])), name


def test_every_text_is_text():
    """YAML reads an unquoted yes or no as a truth value."""
    assert all(isinstance(text, str) for text in read_messages("da").texts.values())


def test_a_word_nobody_translated_stands_as_it_is():
    assert read_messages("da").word("kind", "something_new") == "something_new"
    assert read_messages("da").word("kind", None) == "–"


def test_a_language_without_a_catalogue_is_refused():
    with pytest.raises(InputError, match="da, en"):
        read_messages("sv")
