"""The revisions in their order; each says only what came before it, its SQL lies in `sql/<revision>/`."""
