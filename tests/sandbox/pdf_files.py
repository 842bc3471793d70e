"""PDF files written by hand, sound and hostile ones, so that no test needs one from elsewhere."""

import zlib
from collections.abc import Sequence

_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_CATALOG, _TREE, _FONT_AT = 1, 2, 3


def pdf(
    pages: Sequence[str], outline: Sequence[tuple[str, int]] = (), *, trailer: str = ""
) -> bytes:
    """A PDF of pages of lines; `outline` holds titles and their pages, from 0."""
    return assembled([contents(each) for each in pages], outline, trailer=trailer)


def pdf_bomb(mebibytes: int) -> bytes:
    """One page whose compressed contents unfold to so much text."""
    shown = b"(" + b"tea " * 200 + b") Tj T*\n"
    text = b"BT /F1 9 Tf 40 700 Td 10 TL " + shown * ((mebibytes << 20) // len(shown)) + b"ET"
    return assembled([text])


def encrypted_pdf() -> bytes:
    """A PDF whose password nobody knows."""
    lock = f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> >>"
    return pdf(["secret"], trailer=f"/Encrypt {lock} /ID [<{'ef' * 16}> <{'ef' * 16}>]")


def contents(page: str) -> bytes:
    """The content stream of a page of lines."""
    shown = "".join(f"({line}) Tj T*\n" for line in page.split("\n"))
    return f"BT /F1 12 Tf 72 720 Td 14 TL\n{shown}ET".encode("latin-1")


def assembled(
    streams: Sequence[bytes], outline: Sequence[tuple[str, int]] = (), *, trailer: str = ""
) -> bytes:
    """A PDF of pages given by their content streams."""
    first = _FONT_AT + 1
    kids = [first + 2 * number for number in range(len(streams))]
    root = first + 2 * len(streams)
    catalog = f"<< /Type /Catalog /Pages {_TREE} 0 R" + (
        f" /Outlines {root} 0 R" if outline else ""
    )
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects = [
        f"{catalog} >>".encode(),
        f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>".encode(),
        _FONT,
    ]
    for kid, text in zip(kids, streams, strict=True):
        packed = zlib.compress(text)
        objects += [
            f"<< /Type /Page /Parent {_TREE} 0 R /MediaBox [0 0 612 792] /Contents {kid + 1} 0 R "
            f"/Resources << /Font << /F1 {_FONT_AT} 0 R >> >> >>".encode(),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed)
            + packed
            + b"\nendstream",
        ]
    objects += _outline(outline, root, kids)
    return _file(objects, trailer)


def _outline(entries: Sequence[tuple[str, int]], root: int, kids: Sequence[int]) -> list[bytes]:
    if not entries:
        return []
    last = root + len(entries)
    items = [f"<< /Type /Outlines /First {root + 1} 0 R /Last {last} 0 R /Count {len(entries)} >>"]
    for at, (title, page) in enumerate(entries, root + 1):
        following = f" /Next {at + 1} 0 R" if at < last else ""
        items.append(
            f"<< /Title ({title}) /Parent {root} 0 R /Dest [{kids[page]} 0 R /Fit]{following} >>"
        )
    return [each.encode() for each in items]


def _file(objects: Sequence[bytes], trailer: str) -> bytes:
    body = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + each + b"\nendobj\n"
    table = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    body += f"trailer\n<< /Size {size} /Root {_CATALOG} 0 R {trailer} >>\n".encode()
    return bytes(body + b"startxref\n%d\n%%%%EOF\n" % table)
