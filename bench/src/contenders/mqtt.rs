//! MQTT 5 request and response, QoS 0, through the broker mosquitto.

use bytes::Bytes;
use easyhttp_bench::payload::{self, CLIENT, SERVER};
use easyhttp_bench::runtime::one_thread;
use easyhttp_bench::{Load, Result, ServerTask, contend};
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};

/// Names what is of this process alone: a broker knows its clients by their names.
fn own(name: &str) -> String {
    format!("easyhttp/{name}/{}", std::process::id())
}

fn main() -> Result<()> {
    contend(
        |task, told| one_thread()?.block_on(serve(task, told)),
        |load| one_thread()?.block_on(call(load)),
    )
}

/// A connection to the broker that receives what goes to a topic, and is called like it.
struct Connection {
    client: AsyncClient,
    events: EventLoop,
}

impl Connection {
    async fn open(broker: &str, topic: &str) -> Result<Self> {
        let (host, port) = broker.split_once(':').ok_or("no broker")?;
        let mut options = MqttOptions::new(topic, host, port.parse()?);
        let mut network = options.network_options();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        options.set_max_packet_size(Some(2 << 20));
        let (client, events) = AsyncClient::new(options, 256);
        client.subscribe(topic, QoS::AtMostOnce).await?;
        let mut connection = Self { client, events };
        while !matches!(connection.events.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
        Ok(connection)
    }

    async fn receive(&mut self) -> Result<Publish> {
        loop {
            match self.events.poll().await? {
                Event::Incoming(Packet::Publish(publish)) => return Ok(publish),
                Event::Outgoing(Outgoing::Disconnect) => return Err("disconnected".into()),
                _ => {}
            }
        }
    }
}

async fn serve(task: &ServerTask, told: fn(&str)) -> Result<()> {
    let requests = own(SERVER);
    let mut connection = Connection::open(&task.broker, &requests).await?;
    told(&requests);
    loop {
        let request = connection.receive().await?;
        let asked = request.properties.ok_or("nobody waits for a response")?;
        let topic = asked.response_topic.ok_or("nobody waits for a response")?;
        let answer = payload::answer(&request.payload)?;
        let properties = PublishProperties {
            correlation_data: asked.correlation_data,
            ..PublishProperties::default()
        };
        connection.client.try_publish_with_properties(
            topic,
            QoS::AtMostOnce,
            false,
            answer,
            properties,
        )?;
    }
}

/// All callers share one connection, and the task that drives it.
async fn call(load: &'static Load) -> Result<()> {
    let task = load.task();
    let responses = own(CLIENT);
    let mut connection = Connection::open(&task.broker, &responses).await?;
    let client = connection.client.clone();
    let ask = |number: u8| -> Result<()> {
        let properties = PublishProperties {
            response_topic: Some(responses.clone()),
            correlation_data: Some(Bytes::copy_from_slice(&[number])),
            ..PublishProperties::default()
        };
        let request = payload::request(task.bytes)?;
        let (topic, qos) = (task.address.as_str(), QoS::AtMostOnce);
        Ok(client.try_publish_with_properties(topic, qos, false, request, properties)?)
    };
    let mut callers: Vec<_> = (0..task.in_flight).map(|_| load.caller()).collect();
    let mut under_way = 0;
    for (number, caller) in callers.iter_mut().enumerate() {
        if caller.asks() {
            ask(number as u8)?;
            under_way += 1;
        }
    }
    while under_way > 0 {
        let response = connection.receive().await?;
        let number = response.properties.and_then(|properties| properties.correlation_data);
        let number = *number.as_ref().and_then(|data| data.first()).ok_or("whose answer?")?;
        payload::check_answer(&response.payload, task.bytes)?;
        let caller = &mut callers[usize::from(number)];
        caller.answered();
        match caller.asks() {
            true => ask(number)?,
            false => under_way -= 1,
        }
    }
    Ok(())
}
