"""Bytes to rows of text with line numbers. Knows formats, not rules."""
