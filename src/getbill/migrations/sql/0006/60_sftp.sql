-- A dropped file whose import still needs its place goes, rather than being put back, once somebody in it was erased.
ALTER TABLE sftp_files ADD COLUMN is_unwanted boolean NOT NULL DEFAULT false;
