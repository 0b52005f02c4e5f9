"""The five answers a region may give to a discrepancy (tilbagemelding), in the order they are shown.

An answer explains; only new data resolve. The texts stand in the message catalogue under `answer`.
"""

from __future__ import annotations

from pipelines.reports.messages import Messages

ANSWERS = ("corrected", "kip_error", "practice", "not_ours", "sundk_error")


def answer_texts(messages: Messages) -> list[str]:
    """What stands in the workbook's list to choose from."""
    return [messages.text(f"answer.{answer}") for answer in ANSWERS]
