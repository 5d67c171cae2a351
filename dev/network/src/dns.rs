//! A name server that says what the test wants, and may change its mind.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UdpSocket;

/// A running name server. It ends with the runtime.
#[derive(Clone)]
pub struct Dns {
    address: SocketAddr,
    names: Arc<Mutex<HashMap<String, Name>>>,
}

#[derive(Default)]
struct Name {
    /// What is answered to the first, the second … resolution; the last stays.
    answers: VecDeque<Vec<IpAddr>>,
    /// How often IPv4 addresses were asked for.
    asked: usize,
}

impl Dns {
    /// Starts one at `address`.
    ///
    /// # Panics
    /// Where the address cannot be bound.
    pub async fn start(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).await.expect("the name server's address is free");
        let address = socket.local_addr().expect("a bound socket has an address");
        let server = Self { address, names: Arc::default() };
        tokio::spawn(server.clone().serve(socket));
        server
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `name` has these addresses, all of them, with a time to live of zero.
    pub fn answer(&self, name: &str, addresses: &[&str]) {
        self.answer_in_turn(name, &[addresses]);
    }

    /// From now on `name` has the first addresses once, then the second …, and the last for ever.
    ///
    /// # Panics
    /// On what is no address.
    pub fn answer_in_turn(&self, name: &str, turns: &[&[&str]]) {
        let read = |text: &&str| text.parse().expect("an address");
        let answers = turns.iter().map(|turn| turn.iter().map(read).collect()).collect();
        self.with(|names| names.insert(name.to_owned(), Name { answers, asked: 0 }));
    }

    /// How often `name` was resolved.
    pub fn asked(&self, name: &str) -> usize {
        self.with(|names| names.get(name).map_or(0, |name| name.asked))
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Name>) -> T) -> T {
        act(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn serve(self, socket: UdpSocket) {
        let mut buffer = vec![0; 4096];
        loop {
            let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
                return;
            };
            let answer = buffer.get(..length).and_then(|bytes| self.reply(bytes));
            if let Some(answer) = answer {
                socket.send_to(&answer, peer).await.expect("an answer can be sent");
            }
        }
    }

    fn reply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(bytes).ok()?;
        let query = question.queries.first()?.clone();
        let mut answer =
            Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        match self.look_up(&query.name.to_ascii(), query.query_type) {
            Some(found) => {
                let records = found.into_iter().map(RData::from);
                answer.add_answers(
                    records.map(|data| Record::from_rdata(query.name.clone(), 0, data)),
                );
            }
            None => answer.metadata.response_code = ResponseCode::NXDomain,
        }
        answer.to_vec().ok()
    }

    /// The addresses of the kind that is asked for. A resolution asks for both kinds, so a turn
    /// ends when IPv4 is asked for again.
    fn look_up(&self, name: &str, kind: RecordType) -> Option<Vec<IpAddr>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.with(|names| {
            let name = names.get_mut(&name)?;
            if kind == RecordType::A {
                if name.asked > 0 && name.answers.len() > 1 {
                    name.answers.pop_front();
                }
                name.asked += 1;
            }
            let all = name.answers.front()?.iter().copied();
            Some(all.filter(|address| address.is_ipv4() == (kind == RecordType::A)).collect())
        })
    }
}
