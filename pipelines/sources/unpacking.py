"""Packed files: gzip, or zip with one file in it, opened in memory; what a bomb or a trap would be is refused."""

from __future__ import annotations

import io
import zipfile
import zlib

from pipelines.sources.batch import Refused, is_plain_name

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
LARGEST_UNPACKED = 50_000_000  # bytes; larger files come as they are
STEP = 1_000_000


def unpacked(content: bytes) -> bytes:
    """The file inside a packed one, anything else as it is. What comes out is counted, not what is promised.

    Raises Refused where it is cut or damaged, larger than LARGEST_UNPACKED, encrypted, packed twice, or not
    exactly one file with a plain name (no path, so that nothing could be laid elsewhere).
    """
    if content.startswith(GZIP):
        return _not_packed_again(_gunzipped(content))
    # Excel workbooks and other documents are zip files too: their many members make them no such packing.
    return _not_packed_again(_unzipped(content)) if content.startswith(ZIP) else content


def _gunzipped(content: bytes) -> bytes:
    machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        whole = machine.decompress(content, LARGEST_UNPACKED + 1)
    except zlib.error:
        raise _damaged() from None
    if len(whole) > LARGEST_UNPACKED:
        raise _too_large()
    if not machine.eof or machine.unused_data:
        raise _damaged()
    return whole


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_only_member(archive)) as member:
            return _counted(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError):
        raise _damaged() from None


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1 or not is_plain_name(members[0].filename) or members[0].flag_bits & 1:
        raise Refused(
            "not_the_format",
            "Filen er ikke en zip med netop én ukrypteret fil uden sti i navnet.",
            "The file is no zip with exactly one file, unencrypted and without a path in its name.",
        )
    return members[0]


def _counted(member: io.BufferedIOBase) -> bytes:
    whole = bytearray()
    while piece := member.read(STEP):
        whole += piece
        if len(whole) > LARGEST_UNPACKED:
            raise _too_large()
    return bytes(whole)


def _not_packed_again(content: bytes) -> bytes:
    if content.startswith((GZIP, ZIP)):
        raise Refused("not_the_format", "Filen er pakket to gange.", "The file is packed twice.")
    return content


def _damaged() -> Refused:
    return Refused("damaged", "Den pakkede fil er afkortet eller beskadiget.", "The packed file is cut or damaged.")


def _too_large() -> Refused:
    return Refused("too_large", "Filen fylder over 50 MB pakket ud.", "The file is over 50 MB unpacked.")
