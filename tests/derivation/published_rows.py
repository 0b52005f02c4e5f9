"""What the tests of published rules share: four persons, a contact each, and the simplest population."""

PERSONS = """
person birth_date sex    died       emigrated
p1     1950-01-01 female -          -
p2     1950-01-01 male   -          -
p3     1950-01-01 male   -          -
p4     1996-03-02 female -          -
"""
CONTACTS = """
contact_id course_id person starts           ends             priority
k1         f1        p1     2026-03-01T10:00 2026-03-01T11:00 ATA3
k2         f2        p2     2026-03-01T10:00 2026-03-01T11:00 ATA3
k3         f3        p3     2026-03-01T10:00 2026-03-01T11:00 ATA3
k4         f4        p4     2026-03-01T10:00 2026-03-01T11:00 ATA3
"""
VISIT = """
contact_id course_id person starts           ends
k1         f1        p1     2026-03-01T10:00 2026-03-01T11:00
"""
# Every contact is a record.
ONE = "{include: {contact: '*'}}"
