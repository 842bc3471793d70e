"""How raw replies are read: as the published code read them, or tolerantly, chat replies too."""
