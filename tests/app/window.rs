//! A real window of the app, with a home folder of its own, and the driver that works it.

use std::{
    fs::{self, File},
    net::TcpListener,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions, MouseActions, PointerAction},
    elements::Element,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::timeout};

/// How long anything may take to appear. Generous: two cores may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(60);

/// How long an app may take to end that was told to.
const DYING: Duration = Duration::from_secs(3);

/// One window at a time: they share the display, and the app keeps to a single instance.
pub static DISPLAY: Mutex<()> = Mutex::const_new(());

/// How the app is started.
#[derive(Default)]
pub struct Start {
    pub args: Vec<String>,
    pub environment: Vec<(&'static str, String)>,
}

impl Start {
    /// On a database of the operator's own.
    pub fn on(url: &str) -> Start {
        Start {
            args: vec!["--database-url".into(), url.into()],
            ..Start::default()
        }
    }
}

pub struct Window {
    client: Client,
    name: &'static str,
    /// The home folder of the app's user.
    pub home: PathBuf,
}

/// The app's processes: those of this program that have this home.
fn apps_of(home: &Path) -> Vec<u32> {
    let home = format!("HOME={}", home.display());
    let is_ours = |process: &PathBuf| {
        // A program that was built anew meanwhile is `tidemark-app (deleted)`.
        fs::read_link(process.join("exe"))
            .is_ok_and(|exe| exe.to_string_lossy().starts_with(env!("CARGO_BIN_EXE_tidemark-app")))
            && fs::read(process.join("environ"))
                .is_ok_and(|all| all.split(|&byte| byte == 0).any(|entry| entry == home.as_bytes()))
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes
        .filter(is_ours)
        .filter_map(|process| process.file_name()?.to_str()?.parse().ok())
        .collect()
}

/// Start the app, let a test work its window, and close it, whether or not the test failed.
pub async fn in_window<F, Fut>(name: &'static str, start: Start, test: F)
where
    F: FnOnce(Arc<Window>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let _alone = DISPLAY.lock().await;
    let home = std::env::temp_dir().join(format!("tidemark-window-{}-{name}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    let mut driver = Driver::start(name, &home, &start);
    let client = driver.session(&start.args).await;
    let window = Arc::new(Window {
        client,
        name,
        home: home.clone(),
    });
    let outcome = tokio::spawn(test(Arc::clone(&window))).await;
    if outcome.is_err() {
        // In a task of its own: what fails here must not hide what failed there.
        let last = Arc::clone(&window);
        let last_words = tokio::spawn(async move {
            let shown = last.script("return document.body.innerText").await;
            eprintln!("the window said:\n{}", shown.as_str().unwrap_or_default());
            last.picture("failed").await;
        });
        last_words.await.ok();
    }
    timeout(PATIENCE, window.client.clone().close()).await.ok();
    // The driver answers before it ends the app. Whoever stops it at once, on a busy machine, leaves the app for ever, without
    // a page in its window; and a session that came late, after it was asked for again, has started two.
    let begun = Instant::now();
    while !apps_of(&home).is_empty() && begun.elapsed() < DYING {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    driver.stop();
    for left in apps_of(&home) {
        Command::new("kill").args(["-KILL", &left.to_string()]).status().ok();
    }
    fs::remove_dir_all(&home).ok();
    if let Err(failure) = outcome {
        resume_unwind(failure.into_panic());
    }
}

impl Window {
    /// Wait until a condition gives a value.
    pub async fn until<T, Fut>(&self, what: &str, look: impl Fn() -> Fut) -> T
    where
        Fut: Future<Output = Option<T>>,
    {
        self.within(PATIENCE, what, look).await
    }

    pub async fn within<T, Fut>(&self, patience: Duration, what: &str, look: impl Fn() -> Fut) -> T
    where
        Fut: Future<Output = Option<T>>,
    {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                begun.elapsed() < patience,
                "{}: waited {patience:?} in vain for: {what}",
                self.name
            );
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Run a script in the page and give what it returns.
    pub async fn script(&self, script: &str) -> Value {
        let ran = timeout(PATIENCE, self.client.execute(script, vec![])).await;
        ran.expect("the page answers")
            .unwrap_or_else(|error| panic!("{error}\n{script}"))
    }

    /// Run a script that calls its first argument when it is done.
    pub async fn script_async(&self, script: &str) -> Value {
        let ran = timeout(PATIENCE, self.client.execute_async(script, vec![])).await;
        ran.expect("the page answers")
            .unwrap_or_else(|error| panic!("{error}\n{script}"))
    }

    /// Until one types into the search for a zone.
    pub async fn in_zone_search(&self) {
        let focused = "return document.activeElement?.getAttribute('aria-label')?.startsWith('Time zone')";
        self.until_script("the zone's search", focused).await;
    }

    /// Wait until a script gives something other than null, false or an empty text or list.
    pub async fn until_script(&self, what: &str, script: &str) -> Value {
        self.until(what, || async {
            let value = self.script(script).await;
            let nothing = match &value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                Value::Array(list) => list.is_empty(),
                _ => false,
            };
            (!nothing).then_some(value)
        })
        .await
    }

    /// Wait for a text anywhere on the page.
    pub async fn see(&self, text: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        self.until_script(text, &script).await;
    }

    /// Click a button, tab, option or link by the name that a person or a screen reader reads.
    pub async fn click(&self, name: &str) {
        // Inside the dialog, where one is open, or its menu; what is behind it can't be clicked.
        let scope = "(//*[@role='menu'] | //*[@role='dialog'] | //body[not(.//*[@role='dialog'])])";
        self.click_at(&called(scope, name)).await;
    }

    /// The same inside what has this label, such as a panel, or a group of buttons.
    pub async fn click_in(&self, label: &str, name: &str) {
        self.click_at(&called(&format!("//*[@aria-label='{label}']"), name))
            .await;
    }

    /// The same by an `XPath`, for what has no name of its own. Messages may lie over it for some seconds.
    pub async fn click_at(&self, path: &str) {
        self.until(&format!("a click on {path}"), || async {
            self.at_rest(path).await.click().await.ok()
        })
        .await;
    }

    /// The same with the control key held down.
    pub async fn control_click_in(&self, label: &str, name: &str) {
        let element = self
            .at_rest(&called(&format!("//*[@aria-label='{label}']"), name))
            .await;
        let control = '\u{E009}';
        let keys = KeyActions::new("keys".into()).then(KeyAction::Down { value: control });
        self.client.perform_actions(keys).await.unwrap();
        element.click().await.unwrap();
        self.client.release_actions().await.unwrap();
    }

    /// Press the mouse's button in an element and let it go elsewhere in it, once for each pair of places: parts of its width,
    /// from -0.5 to 0.5. A pair of one place is a click, two of those are a double click.
    pub async fn drag(&self, selector: &str, pairs: &[(f64, f64)]) {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        let (_, _, width, _) = element.rectangle().await.unwrap();
        let to = |place: f64| PointerAction::MoveToElement {
            element: element.clone(),
            duration: None,
            x: (place * width).round(),
            y: 0.0,
        };
        let mut mouse = MouseActions::new("mouse".into());
        for &(from, until) in pairs {
            mouse = mouse.then(to(from)).then(PointerAction::Down { button: 0 });
            mouse = mouse.then(to(until)).then(PointerAction::Up { button: 0 });
        }
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// Wait until the address holds this.
    pub async fn at(&self, part: &str) {
        let script = format!("return decodeURIComponent(location.hash).includes({})", json!(part));
        self.until_script(&format!("{part} in the address"), &script).await;
    }

    /// What is still moving, such as a dialog that opens, is not where the click will land.
    async fn at_rest(&self, path: &str) -> Element {
        self.shown(path).await;
        self.until_script(
            "things to come to rest",
            "return document.getAnimations().every(a => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity)",
        )
        .await;
        self.shown(path).await
    }

    async fn shown(&self, path: &str) -> Element {
        self.until(&format!("something to click: {path}"), || async {
            let found = self.client.find_all(Locator::XPath(path)).await.unwrap();
            for element in found {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Type into the field with this label or selector, replacing what is there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector))
            .await
            .unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Type over what a field holds, and press Enter. `fill` empties it first, which a field that takes only numbers undoes.
    pub async fn overwrite(&self, selector: &str, text: &str) {
        let select = format!(
            "const field = document.querySelector({selector:?}); field?.focus(); field?.select(); return !!field"
        );
        self.until_script(selector, &select).await;
        self.press(&format!("{text}\u{E007}")).await;
    }

    /// Choose a file, as in the dialog that a file field opens.
    pub async fn attach(&self, selector: &str, file: &Path) {
        let field = self.client.find(Locator::Css(selector)).await.unwrap();
        field.send_keys(&file.display().to_string()).await.unwrap();
    }

    /// Press keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client
            .active_element()
            .await
            .unwrap()
            .send_keys(keys)
            .await
            .unwrap();
    }

    pub async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.unwrap();
    }

    /// Open an address of the app, as one that was copied.
    pub async fn go(&self, address: &str) {
        self.script(&format!("location.hash = {}", json!(address))).await;
    }

    /// The app's process: the one of this program that has this home.
    pub fn app(&self) -> u32 {
        *apps_of(&self.home).first().expect("the app runs")
    }

    /// Keep a picture for people: `NAME-STEP.png`.
    pub async fn picture(&self, step: &str) {
        // What the page holds is on the screen two frames later.
        let drawn = "requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))";
        timeout(PATIENCE, self.client.execute_async(drawn, vec![]))
            .await
            .expect("frames are drawn")
            .unwrap();
        // WebKit gives a picture with the next thing that it paints, and on a page at rest it paints nothing.
        self.script(PAINT).await;
        // Behind another window it paints nothing either, and the picture never comes.
        let png = timeout(PATIENCE, self.client.screenshot())
            .await
            .expect("the window is drawn")
            .unwrap();
        self.script("clearInterval(window.painting); document.getElementById('painting').remove()")
            .await;
        fs::write(pictures().join(format!("{}-{step}.png", self.name)), png).unwrap();
    }
}

/// What can be clicked and has this name, inside what this path finds.
fn called(scope: &str, name: &str) -> String {
    let kind =
        "(self::button or self::a or @role='radio' or @role='option' or @role='menuitem' or @role='menuitemradio')";
    format!(
        "{scope}//*[{kind} and not(@disabled) and (normalize-space(.)='{name}' or @aria-label='{name}' \
         or starts-with(normalize-space(.), '{name} ') or starts-with(@aria-label, '{name}:'))]"
    )
}

/// Paints a dot that nobody sees, again and again.
const PAINT: &str = "const dot = document.createElement('i'); dot.id = 'painting'; \
    dot.style.cssText = 'position:fixed;left:0;top:0;width:1px;height:1px;pointer-events:none'; document.body.append(dot); let n = 0; \
    window.painting = setInterval(() => { dot.style.background = n++ % 2 ? '#00000001' : '#00000002'; }, 30)";

fn pictures() -> PathBuf {
    let folder = std::env::var_os("TIDEMARK_SCREENSHOTS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// `tauri-driver`, which starts WebKitWebDriver, which starts the app.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    fn start(name: &str, home: &Path, start: &Start) -> Driver {
        let (port, native) = (free_port(), free_port());
        let log = File::create(pictures().join(format!("{name}.log"))).unwrap();
        let mut command = Command::new("tauri-driver");
        command
            .arg("--port")
            .arg(port.to_string())
            .arg("--native-port")
            .arg(native.to_string());
        command.env("HOME", home).env("TZ", "UTC").env_remove("DATABASE_URL");
        // Not on the session's bus: a Tidemark that its owner has open there must not answer.
        command
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env("TIDEMARK_DATA_DIR", home.join("data"))
            .env("TIDEMARK_SAVE_FOLDER", home);
        for folder in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_DOWNLOAD_DIR"] {
            command.env_remove(folder);
        }
        // A virtual display has no graphics card. Without WebKit's dmabuf renderer a picture of a page at rest never comes.
        command
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("NO_AT_BRIDGE", "1")
            .env_remove("WEBKIT_DISABLE_DMABUF_RENDERER");
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("tauri-driver: {error}. Run scripts/test.sh, or: cargo install --locked tauri-driver@2.1.0")
        });
        Driver { process, port }
    }

    /// A session, which starts the app. Where the app dies at its start there is no answer, hence the time-out.
    async fn session(&mut self, args: &[String]) -> Client {
        let options = json!({ "application": env!("CARGO_BIN_EXE_tidemark-app"), "args": args });
        let capabilities = [("tauri:options".to_owned(), options)].into_iter().collect();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{}", self.port);
        let begun = Instant::now();
        loop {
            let failure = match timeout(PATIENCE, builder.connect(&address)).await {
                Ok(Ok(client)) => return client,
                Ok(Err(error)) => error.to_string(),
                Err(_late) => "no answer".to_owned(),
            };
            if begun.elapsed() > PATIENCE {
                self.stop();
                panic!(
                    "no session: {failure}. Is there a display, and WebKitWebDriver? The log is in {:?}",
                    pictures()
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// TERM, not KILL: killed, it would leave WebKitWebDriver and the app behind.
    fn stop(&mut self) {
        Command::new("kill")
            .arg("-TERM")
            .arg(self.process.id().to_string())
            .status()
            .ok();
        self.process.wait().ok();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
