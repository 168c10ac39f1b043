//! The API is what its OpenAPI document says: schemathesis makes requests from the document, right and wrong ones, and no answer
//! is a 5xx or anything that the document does not describe.

use std::process::Command;

use crate::server::{ORDERS, Server};

/// Requests that are made of each operation, beside one for every edge of its parameters.
const EXAMPLES: &str = "8";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn schemathesis_finds_nothing() {
    let server = Server::of(ORDERS).await;
    server.run().await;
    let python = std::env::var("LOCKGATE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(&python);
    command
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{}/api/v1/openapi.json", server.url))
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--continue-on-failure"])
        // A stream of events does not end by itself.
        .args(["--exclude-path", "/events", "--no-color", "--warnings", "off"])
        .current_dir(server.root());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.unwrap_or_else(|error| panic!("{python} is needed; set LOCKGATE_TEST_PYTHON: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    // It did ask, and was not only refused.
    assert!(said.contains("generated") && !said.contains("No test cases"), "{said}");
}
