"""The chapters of a report: each turns contract tables into report data for one view."""
