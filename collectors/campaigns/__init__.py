"""The built-in campaigns, one design a file; `green-collect --campaign NAME` (underscores become hyphens)."""
