"""How are many cities measured at once: by processes of this computer, or by a cluster?

`plan` says what is to be measured, `task` measures one city, `batch` merges what all found; `processes` and
`cluster` do the work, of which they know nothing.
"""
