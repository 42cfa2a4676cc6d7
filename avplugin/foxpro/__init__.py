"""Visual FoxPro files, the form in which AccountView keeps its books: tables, memos, indexes."""
