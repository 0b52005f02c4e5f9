"""What the clock says of an event: its weekday, and the part of the day by the duties of a Danish hospital."""

from __future__ import annotations

WEEKDAY, HOUR_BAND = "weekday", "hour_band"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DUTIES = {"07-15": range(7, 15), "15-23": range(15, 23)}  # day and evening; all other hours are the night
NIGHT = "23-07"
BAND_OF_HOUR = tuple(next((band for band, hours in DUTIES.items() if hour in hours), NIGHT) for hour in range(24))
