"""Everything that does a run's work, from pure values (model) to what moves by itself (runtime)."""
