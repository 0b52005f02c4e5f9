"""The journal audit (journalaudit): who is right, held against the patient record, in a stratified random sample.

sample (what is asked) → sheet (how it is asked, blinded) → filled (what was answered) → figures (what it means);
audit.py holds the two steps that a user takes.
"""

from pipelines.journal.audit import Size, draw_sheets, password, read_sheets

__all__ = ["Size", "draw_sheets", "password", "read_sheets"]
