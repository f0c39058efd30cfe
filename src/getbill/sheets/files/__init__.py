"""File formats: detection, encodings, CSV dialects, workbooks and archives."""

from getbill.sheets.files.archives import unpack_member
from getbill.sheets.files.delimited import Delimited, Dialect, Record
from getbill.sheets.files.dialects import detect_dialect, lines_of, names_delimiter, usual_width
from getbill.sheets.files.encodings import (
    Encoding,
    detect,
    detect_double_encoding,
    double_encoding_name,
    double_encoding_of,
    encoder_for,
    encoding_named,
)
from getbill.sheets.files.file_types import extension_notes, kind_of
from getbill.sheets.files.merges import Merge, MergedCells, columns_of
from getbill.sheets.files.workbooks import extract
