"""The report for an office: what each night came to, as a page and as a mail."""
