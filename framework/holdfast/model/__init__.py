"""The nouns of Holdfast as frozen values. Nothing here reads, computes or prints; every layer above speaks in these."""
