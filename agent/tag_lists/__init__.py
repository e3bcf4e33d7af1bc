"""Lists of tags as people have them: our CSV, vendors' register lists, spreadsheets, in their titles and encodings."""
