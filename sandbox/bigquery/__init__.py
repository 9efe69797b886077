"""The BigQuery of a laptop: the released `bqemulator` with our repairs, in a process of its own.

Status: decided. Context: no other emulator runs here; as released it loses NUMERIC digits, shares one connection,
takes no parameters in scripts and ignores job ids. Decision: repair it in its own process from outside, one file and
one check for each fault, against exact versions; never a second adapter in the service. Price: the repairs hold on to
private names of three pinned packages, and every upgrade means running `make repairs` first.
"""
