//! The processes of a repetition: brokers, servers and the clients that ask them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use easyhttp_bench::{ClientTask, Figures, Result, ServerTask, process};

use crate::contenders::{Broker, Contender, Role};
use crate::programs::{Programs, broker_program, target};

/// How long anything here may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(180);

/// A process that answers, until it is dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: String,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Starts a server, and waits until it tells its address.
    pub(crate) fn server(programs: &Programs, role: Role, task: ServerTask) -> Result<Self> {
        let task = ServerTask { way: role.way.to_owned(), ..task };
        let command = programs.command(role, "serve", &serde_json::to_string(&task)?)?;
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut running = Self { process, address: String::new() };
        BufReader::new(output).read_line(&mut running.address)?;
        running.address.truncate(running.address.trim_end().len());
        match running.address.is_empty() {
            true => Err("the server does not start".into()),
            false => Ok(running),
        }
    }

    fn broker(broker: Broker, core: Option<usize>) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(broker_program(broker).ok_or("it is not installed")?);
        match broker {
            Broker::Mosquitto => {
                let config = target()?.join("mosquitto.conf");
                let text = format!(
                    "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
                );
                fs::write(&config, text)?;
                command.arg("-c").arg(config)
            }
            Broker::Nats => command.args(["-a", "127.0.0.1", "-p", &port.to_string()]),
        };
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let running = Self { process, address: format!("127.0.0.1:{port}") };
        process::stay_on(Some(running.id()), core)?;
        let since = Instant::now();
        while TcpStream::connect(&running.address).is_err() {
            if since.elapsed() > PATIENCE {
                return Err("the broker does not start".into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The brokers and servers of all contenders, each once, until it is dropped.
pub(crate) struct Servers<'a> {
    programs: &'a Programs,
    core: Option<usize>,
    /// They go before the brokers that they are connected to.
    servers: BTreeMap<(Role, Option<Broker>), Running>,
    brokers: BTreeMap<Broker, Running>,
}

impl<'a> Servers<'a> {
    pub(crate) fn new(programs: &'a Programs, core: Option<usize>) -> Self {
        Self { programs, core, brokers: BTreeMap::new(), servers: BTreeMap::new() }
    }

    /// Starts what a contender needs, unless another one has.
    pub(crate) fn start(&mut self, contender: &Contender) -> Result<()> {
        if let Some(broker) = contender.broker
            && !self.brokers.contains_key(&broker)
        {
            self.brokers.insert(broker, Running::broker(broker, self.core)?);
        }
        let key = (contender.server, contender.broker);
        if !self.servers.contains_key(&key) {
            let task = self.server_task(contender);
            self.servers.insert(key, Running::server(self.programs, contender.server, task)?);
        }
        Ok(())
    }

    fn server_task(&self, contender: &Contender) -> ServerTask {
        let way = contender.server.way.to_owned();
        ServerTask { way, core: self.core, broker: self.broker(contender), ..ServerTask::default() }
    }

    fn broker(&self, contender: &Contender) -> String {
        let broker = contender.broker.and_then(|broker| self.brokers.get(&broker));
        broker.map(|broker| broker.address.clone()).unwrap_or_default()
    }

    /// The server of a contender, and its broker.
    pub(crate) fn processes(&self, contender: &Contender) -> Vec<u32> {
        let server = self.servers.get(&(contender.server, contender.broker));
        let broker = contender.broker.and_then(|broker| self.brokers.get(&broker));
        server.into_iter().chain(broker).map(Running::id).collect()
    }

    /// Lets the client of a contender ask its server.
    pub(crate) fn ask(&self, contender: &Contender, task: ClientTask) -> Result<Figures> {
        let server = self.servers.get(&(contender.server, contender.broker));
        let address = server.map(|server| server.address.clone()).ok_or("it does not run")?;
        let broker = self.broker(contender);
        let watched = self.processes(contender);
        let task = ClientTask { address, broker, watched, ..task };
        ask(self.programs, contender.client, task)
    }

    /// Lets the client of a contender start another server, and ask it once.
    pub(crate) fn ask_from_start(
        &self,
        contender: &Contender,
        task: ClientTask,
    ) -> Result<Figures> {
        let server = serde_json::to_string(&self.server_task(contender))?;
        let server = self.programs.command(contender.server, "serve", &server)?;
        let task = ClientTask { broker: self.broker(contender), server, ..task };
        ask(self.programs, contender.client, task)
    }
}

/// Is a client, from its start to its figures.
pub(crate) fn ask(programs: &Programs, role: Role, task: ClientTask) -> Result<Figures> {
    let way = if task.way.is_empty() { role.way.to_owned() } else { task.way };
    let task = ClientTask { way, ..task };
    let command = programs.command(role, "call", &serde_json::to_string(&task)?)?;
    let mut client = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let since = Instant::now();
    while client.try_wait()?.is_none() {
        if since.elapsed() > PATIENCE {
            client.kill()?;
            client.wait()?;
            return Err("the client does not end".into());
        }
        sleep(Duration::from_millis(2));
    }
    let output = client.wait_with_output()?;
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout)?);
    }
    let mut said = String::new();
    output.stderr.as_slice().read_to_string(&mut said)?;
    Err(format!("the client failed: {}", said.lines().last().unwrap_or_default()).into())
}
