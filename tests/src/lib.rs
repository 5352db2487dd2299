//! End-to-end tests: real server, engines and window.
