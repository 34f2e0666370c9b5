//! End-to-end scenarios and tests over every route.
