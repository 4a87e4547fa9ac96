"""The topics' contracts as values: read from `data-pipeline/contracts`, checked against, rendered for people."""
