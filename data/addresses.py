"""Street addresses in one spelling, so that two registers can be matched on them."""

from __future__ import annotations

import polars as pl

#: A range of house numbers no longer than this is one building's; a longer one is a street.
RANGE_LONGEST = 40
#: Canadian street types and directions to Canada Post's short forms.
SHORT = {
    "AVENUE": "AVE", "STREET": "ST", "ROAD": "RD", "DRIVE": "DR", "BOULEVARD": "BLVD", "CRESCENT": "CRES",
    "COURT": "CRT", "CT": "CRT", "PLACE": "PL", "LN": "LANE", "TERRACE": "TER", "TERR": "TER", "CIRCLE": "CRCL",
    "CIR": "CRCL", "SQUARE": "SQ", "GARDENS": "GDNS", "GDN": "GDNS", "PARKWAY": "PKWY", "PARK": "PK", "TRAIL": "TRL",
    "GROVE": "GRV", "HEIGHTS": "HTS", "GATE": "GT", "SAINT": "ST", "EAST": "E", "WEST": "W", "NORTH": "N", "SOUTH": "S",
}  # fmt: skip


def address_key(address: pl.Expr) -> pl.Expr:
    """An address in capitals with short street types, without punctuation, notes between ``**`` or a unit suffix.

    ``170  Islington Avenue `` and ``170 ISLINGTON AVE`` give one key; so do ``25 Cougar Crt - B`` and ``25 COUGAR
    COURT``. A house-number range such as ``68-72 Spadina Rd`` keeps its hyphen.
    """
    text = (
        address.str.to_uppercase()
        .str.replace_all(r"\*\*.*?\*\*", " ")
        .str.replace_all(r"[.,'’]", "")
        .str.replace(r"\s*-\s+\w+$", "")  # unit suffix: a hyphen with a space behind it
        .str.replace_all(r"[^A-Z0-9\-]+", " ")
        .str.strip_chars()
    )
    words = text.str.split(" ").list.eval(pl.element().replace(SHORT)).list.join(" ")
    return pl.when(words == "").then(None).otherwise(words)


def with_ranges(places: pl.DataFrame) -> pl.DataFrame:
    """Places and, of a house-number range such as ``68-72 SPADINA RD``, each number of its side of the street within it.

    Args:
        places: ``key`` (``address_key``) and any other columns. A number that stands in the register by itself stays its own.

    Returns:
        The same columns; at most RANGE_LONGEST numbers apart are taken for one range.
    """
    number = pl.col("key").str.extract
    ends = places.with_columns(
        first=number(r"^(\d{1,6})-").cast(pl.Int64), last=number(r"^\d+-(\d{1,6}) ").cast(pl.Int64)
    ).filter((pl.col("last") - pl.col("first")).is_between(1, RANGE_LONGEST))
    each = ends.with_columns(number=pl.int_ranges("first", pl.col("last") + 1, 2)).explode("number")
    street = pl.col("key").str.replace(r"^\S+ ", "")
    within = each.with_columns(key=pl.concat_str(pl.col("number").cast(pl.String), pl.lit(" "), street))
    alone = within.join(places, on="key", how="anti").select(places.columns)
    return pl.concat([places, alone])


def company_key(name: pl.Expr) -> pl.Expr:
    """A company's name without spelling habits: case, punctuation, ``&``, legal form, a leading ``The``.

    Two spellings of one company give one key; names that say nobody (``N/A``, ``NONE``, ``SELF MANAGED``) give NULL.
    """
    legal = r" (INC|INCORPORATED|LTD|LIMITED|LTEE|CORP|CORPORATION|CO|COMPANY|LP|LLP|LLC)$"
    text = (
        name.str.to_uppercase()
        .str.replace_all("&", " AND ", literal=True)
        .str.replace_all(r"[.'’]", "")
        .str.replace_all(r"[^A-Z0-9]+", " ")
        .str.strip_chars()
    )
    for _ in range(3):  # "Acme Property Company Ltd. Inc" sheds its forms one by one
        text = text.str.replace(legal, "")
    text = text.str.replace(r"^THE ", "")
    return pl.when(text.is_in(list(NOBODY))).then(None).otherwise(text)


#: What stands in a name field where no company does.
NOBODY = (
    "", "NA", "N A", "NONE", "NIL", "NO", "TBD", "UNKNOWN", "OWNER", "SELF", "SELF MANAGED", "SELF MANAGEMENT",
    "NOT APPLICABLE",
)  # fmt: skip
