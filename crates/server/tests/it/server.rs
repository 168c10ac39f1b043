//! A project in a temporary folder, and a server over it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lockgate_run::OpenOptions;
use lockgate_server::{ServeOptions, ServerError, serve};
use lockgate_types::{Actor, Effects};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The usual project: a CSV of orders, and a mart that refuses negative amounts.
pub(crate) const ORDERS: &[(&str, &str)] = &[
    ("lockgate.yml", "name: shop\nengine: { memory: 256MB, threads: 2 }\n"),
    ("data/orders.csv", "id,customer,amount\n1,1,10\n2,2,20\n3,1,30\n"),
    ("data/customers.csv", "id,name\n1,Ada\n2,Bob\n"),
    (
        "assets/raw/orders.yml",
        "kind: source\ndescription: What was bought.\nowner: shop-team\ntags: [daily]\nread: { path: data/orders.csv }\n\
         columns: { id: bigint, customer: bigint, amount: bigint }\n\
         checks:\n  - unique: id\n  - references: { customer: raw.customers.id }\n",
    ),
    (
        "assets/raw/customers.yml",
        "kind: source\nread: { path: data/customers.csv }\ncolumns: { id: bigint, name: string }\nchecks:\n  - unique: id\n",
    ),
    (
        "assets/mart/revenue.sql",
        "/*\ndescription: What each customer paid.\nowner: finance\nchecks:\n  - unique: customer\n  - expect: \"amount >= 0\"\n*/\n\
         select customer, sum(amount) as amount from raw.orders group by customer\n",
    ),
    ("assets/mart/total.sql", "select sum(amount) as total from mart.revenue\n"),
];

/// A server, which stops when this is dropped.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) url: String,
    pub(crate) client: Client,
    stop: CancellationToken,
    serving: Option<JoinHandle<Result<(), ServerError>>>,
}

impl Server {
    pub(crate) async fn of(files: &[(&str, &str)]) -> Server {
        Server::start(files, false).await
    }

    pub(crate) async fn start(files: &[(&str, &str)], sign_in: bool) -> Server {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            write(folder.path(), path, text);
        }
        Server::at(folder, sign_in).await
    }

    async fn at(folder: TempDir, sign_in: bool) -> Server {
        let stop = CancellationToken::new();
        let options = ServeOptions {
            root: folder.path().to_owned(),
            open: open(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            sign_in,
            rate: 10_000,
            postgres: None,
            public_url: None,
        };
        let (told, address) = oneshot::channel();
        let work = tokio::runtime::Handle::current();
        let stopping = stop.clone();
        let serving = tokio::task::spawn(async move {
            serve(options, work, stopping, |addresses| told.send(addresses.http).unwrap()).await
        });
        let Ok(address) = address.await else { panic!("{:?}", serving.await) };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        Server { folder, url: format!("http://{address}"), client, stop, serving: Some(serving) }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        write(self.root(), path, text);
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// What stands at `/api/v1/…`.
    pub(crate) async fn json(&self, path: &str) -> Json {
        let response = self.get(&format!("/api/v1{path}")).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> (u16, Json) {
        let request = self.request(Method::POST, &format!("/api/v1{path}"));
        let response = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
    }

    /// Runs what is stale and waits for its end; answers the run as it ended.
    pub(crate) async fn run(&self) -> Json {
        let (status, started) = self.post("/runs", &serde_json::json!({})).await;
        assert_eq!(status, 202, "{started}");
        self.ended(started["run"].as_str().unwrap()).await
    }

    pub(crate) async fn ended(&self, run: &str) -> Json {
        for _ in 0..1_200 {
            let detail = self.json(&format!("/runs/{run}")).await;
            if detail["state"] != "running" {
                return detail;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("run {run} does not end");
    }

    /// Stops and starts again over the same folder.
    pub(crate) async fn again(mut self, sign_in: bool) -> Server {
        self.stop.cancel();
        self.serving.take().unwrap().await.unwrap().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Server::at(folder, sign_in).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn open() -> OpenOptions {
    OpenOptions {
        environment: None,
        actor: Actor("ada".to_owned()),
        kinds: vec![lockgate_connect::kind(), lockgate_transform::kind()],
        effects: Effects::real(),
        env: Arc::new(|_| None),
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
