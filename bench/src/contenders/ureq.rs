//! A client that is ureq: an agent with a pool, every caller a thread. Its server is one of
//! the others.

use std::thread;

use easyhttp_bench::payload::{self, PATH};
use easyhttp_bench::{Caller, Load, Result, contend};
use ureq::Agent;

fn main() -> Result<()> {
    contend(|_, _| Err("this is a client".into()), call)
}

fn call(load: &'static Load) -> Result<()> {
    let in_flight = load.task().in_flight;
    let agent: Agent = Agent::config_builder()
        .max_idle_connections(in_flight)
        .max_idle_connections_per_host(in_flight)
        .build()
        .into();
    thread::scope(|scope| {
        let call = || call_until_over(&agent, load.caller(), load);
        let others: Vec<_> = (1..in_flight).map(|_| scope.spawn(call)).collect();
        call()?;
        others.into_iter().try_for_each(|other| other.join().map_err(|_| "a caller panicked")?)
    })
}

fn call_until_over(agent: &Agent, mut caller: Caller, load: &'static Load) -> Result<()> {
    let task = load.task();
    let url = format!("http://{}{PATH}", task.address);
    while caller.asks() {
        let answer = agent
            .post(&url)
            .header("content-type", "application/json")
            .send(payload::request(task.bytes)?)?
            .body_mut()
            .read_to_vec()?;
        payload::check_answer(&answer, task.bytes)?;
        caller.answered();
    }
    Ok(())
}
