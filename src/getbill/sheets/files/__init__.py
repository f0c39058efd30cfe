"""File formats: detection, encodings, CSV dialects, workbooks and archives."""

from getbill.sheets.files.archives import member
from getbill.sheets.files.delimited import Delimited, Dialect, Record
from getbill.sheets.files.dialects import find, is_said, lines_of, usual_width
from getbill.sheets.files.encodings import Encoding, detect, named, twice_in, twice_name, twice_of, writer
from getbill.sheets.files.file_types import kind_of, notes
from getbill.sheets.files.merges import Merge, Merged, columns_of
from getbill.sheets.files.workbooks import extract

__all__ = [
    "Delimited",
    "Dialect",
    "Encoding",
    "Merge",
    "Merged",
    "Record",
    "columns_of",
    "detect",
    "extract",
    "find",
    "is_said",
    "kind_of",
    "lines_of",
    "member",
    "named",
    "notes",
    "twice_in",
    "twice_name",
    "twice_of",
    "usual_width",
    "writer",
]
