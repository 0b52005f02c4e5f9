"""Patients and courses from a DatabaseSpec, as KIP and WSAPI see them, and faults planted with their truth.

Works from the specification and its source schemas only; no variable of any database is named in code.
Everything drawn comes from a stream named by its purpose, so that one planted fault moves nothing else.
"""
