"""The only writers for people: maps, tables and files; nothing here measures."""
