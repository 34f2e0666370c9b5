//! Sessions, service accounts, API keys.
