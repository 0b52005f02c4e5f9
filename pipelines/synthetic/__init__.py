"""Patients and courses from a DatabaseSpec, as its sources see them, and faults planted with their truth.

`generate` makes one database whose sources are its own; `country` makes databases that are derived from registers,
whose persons and events are one population's. Works from the specification and its formats only; no variable of any
database is named in code. Everything drawn comes from a stream named by its purpose, so that one planted fault moves
nothing else.
"""
