//! Long questions are asked a few at a time: of one person, and of all together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refused::Refused;

/// How long somebody waits for a turn.
const WAIT: Duration = Duration::from_secs(10);
/// Of one person, with those that have their turn; whoever asks beyond is told at once.
const QUEUE: usize = 16;
/// People that are remembered; beyond, those who ask nothing are forgotten.
const PEOPLE: usize = 1_000;

/// Turns of one kind of question.
#[derive(Debug)]
pub(super) struct Gate {
    all: Arc<Semaphore>,
    each: usize,
    wait: Duration,
    people: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

/// A turn. Whoever works on another thread takes it along: given back when the work is over, also where nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Turn {
    _of_person: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Gate {
    /// So many at once of all people, and of each of them.
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, wait: WAIT, people: Mutex::default() }
    }

    /// Waits for a turn, not for long.
    pub(super) async fn turn(&self, person: i64) -> Result<Turn, Refused> {
        let mine = self.of(person);
        // Each that has its turn or waits for it holds one, and so do the table and this one.
        if Arc::strong_count(&mine) > QUEUE + 2 {
            return Err(busy());
        }
        let both = async {
            let of_person = mine.acquire_owned().await.map_err(|_| busy())?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| busy())?;
            Ok(Turn { _of_person: of_person, _of_all: of_all })
        };
        tokio::time::timeout(self.wait, both).await.unwrap_or_else(|_| Err(busy()))
    }

    fn of(&self, person: i64) -> Arc<Semaphore> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() > PEOPLE {
            people.retain(|_, known| Arc::strong_count(known) > 1);
        }
        Arc::clone(people.entry(person).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }
}

fn busy() -> Refused {
    let why = "Too many long questions are being answered at the moment. Ask again in a few seconds.";
    let mut refused = Refused::new(429, "busy", why);
    refused.retry_after = Some(5);
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_person_waits_for_itself_and_all_for_each_other_but_not_for_ever() {
        let gate = Gate { wait: Duration::from_millis(20), ..Gate::new(2, 1) };
        let first = gate.turn(1).await.unwrap();
        assert_eq!(gate.turn(1).await.unwrap_err().status, 429, "it has one");
        let _second = gate.turn(2).await.unwrap();
        let refused = gate.turn(3).await.unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (429, Some(5)), "two have theirs");
        drop(first);
        gate.turn(3).await.unwrap();
    }

    #[tokio::test]
    async fn who_asks_without_end_is_told_at_once() {
        let gate = Arc::new(Gate::new(2, 1));
        let held = gate.turn(1).await.unwrap();
        let ask = |gate: Arc<Gate>| tokio::spawn(async move { gate.turn(1).await.is_ok() });
        let waiting: Vec<_> = (0..QUEUE).map(|_| ask(Arc::clone(&gate))).collect();
        while Arc::strong_count(&gate.of(1)) < QUEUE + 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.turn(1).await.unwrap_err().status, 429);
        assert!(gate.turn(2).await.is_ok(), "others do not wait for that");
        drop(held);
        for one in waiting {
            assert!(one.await.unwrap());
        }
    }
}
