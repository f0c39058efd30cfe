"""The file of an import: its upload, and its temporary copy while it is read."""

from getbill.imports.files.temp_file import FileGone, ImportFile
from getbill.imports.files.uploads import Upload
