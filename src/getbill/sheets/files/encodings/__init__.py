"""Encodings: which one a file has, by the bytes of all of it, also where its lines differ."""

from getbill.sheets.files.encodings.detection import detect, detect_double_encoding
from getbill.sheets.files.encodings.mixed_encodings import mend
from getbill.sheets.files.encodings.names import (
    Encoding,
    display_name,
    double_encoding_name,
    double_encoding_of,
    encoder_for,
    encoding_named,
)
