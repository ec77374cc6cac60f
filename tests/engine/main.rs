//! The engine against a real server: `scripts/test-server.sh start` makes one, `TIDEMARK_TEST_URL` names it.

mod harness;

mod basics;
