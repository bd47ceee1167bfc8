//! Books a trip: a flight, a hotel and a car. There is no car, so what was booked before is cancelled again.
//!
//! ```text
//! cargo run --bin travel                          # no car: the hotel and the flight are cancelled
//! cargo run --bin travel -- --cars 1              # all three are booked
//! cargo run --bin travel -- --crash-at BookCar    # aborts the process there; call it again, and it goes on
//! ```

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Parser;
use refluxo::{observer::Event, prelude::*};
use thiserror::Error;

/// Where somebody wants to go.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Trip {
    id: String,
    city: String,
    nights: u32,
}

/// What was booked, by the numbers under which it is known there.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Itinerary {
    flight: String,
    hotel: String,
    car: String,
}

/// Why nobody travels.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
enum TravelError {
    #[error("there are no cars left in {city}")]
    NoCars { city: String },
    #[error("{desk} does not answer")]
    Busy { desk: String },
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

impl TravelError {
    /// Whether it is worth another try.
    fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::TimedOut(_))
    }
}

/// The desks where things are booked and cancelled, under the trip's id.
#[derive(Clone, Default)]
struct Agency {
    cars: u32,
    booked: Arc<Mutex<BTreeSet<String>>>,
}

impl Agency {
    /// Books something for a trip; again is the same as once.
    fn book(&self, what: &str, trip: &Trip) -> String {
        let booking = format!("{what} of {}", trip.id);
        println!("  booked: {booking} ({}, {} nights)", trip.city, trip.nights);
        self.booked.lock().unwrap_or_else(PoisonError::into_inner).insert(booking.clone());
        booking
    }

    /// Cancels it, if it was booked at all.
    fn cancel(&self, what: &str, trip: &str) {
        println!("  cancelled: {what} of {trip}");
        self.booked.lock().unwrap_or_else(PoisonError::into_inner).remove(&format!("{what} of {trip}"));
    }
}

#[step(retry(attempts = 4, initial = "1s", if = TravelError::is_transient), timeout = "20s")]
async fn book_flight(#[inject] agency: &Agency, trip: &Trip) -> Result<String, TravelError> {
    Ok(agency.book("flight", trip))
}

#[step]
async fn cancel_flight(#[inject] agency: &Agency, trip: String) {
    agency.cancel("flight", &trip);
}

#[step(retry(attempts = 4, initial = "1s", if = TravelError::is_transient), timeout = "20s")]
async fn book_hotel(#[inject] agency: &Agency, trip: &Trip) -> Result<String, TravelError> {
    Ok(agency.book("hotel", trip))
}

#[step]
async fn cancel_hotel(#[inject] agency: &Agency, trip: String) {
    agency.cancel("hotel", &trip);
}

#[step]
async fn book_car(#[inject] agency: &Agency, trip: &Trip) -> Result<String, TravelError> {
    if agency.cars == 0 {
        return Err(TravelError::NoCars { city: trip.city.clone() });
    }
    Ok(agency.book("car", trip))
}

/// Books all of a trip or nothing.
///
/// What undoes a booking is pushed before the booking is made: if the desk takes it and its answer is lost, it is still
/// cancelled. So cancelling what was never booked must do no harm.
#[workflow]
async fn travel(trip: Trip) -> Result<Itinerary, TravelError> {
    compensate!(cancel_flight(trip.id.clone()));
    let flight = book_flight(&trip).await?;
    compensate!(cancel_hotel(trip.id.clone()));
    let hotel = book_hotel(&trip).await?;
    let car = book_car(&trip).await?;
    Ok(Itinerary { flight, hotel, car })
}

/// Books a trip.
#[derive(Parser)]
struct Args {
    /// The trip's number.
    #[arg(default_value = "trip-7")]
    trip: String,
    /// How many cars are left.
    #[arg(long, default_value_t = 0)]
    cars: u32,
    /// The database.
    #[arg(long, default_value = "travel.db")]
    db: PathBuf,
    /// Abort the process when this state is reached: `BookFlight`, `BookHotel` or `BookCar`.
    #[arg(long, value_name = "STATE")]
    crash_at: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { trip, cars, db, crash_at } = Args::parse();
    let engine = Engine::builder(SqliteStore::open(db).await?)
        .register::<Travel>()
        .provide(Agency { cars, ..Agency::default() })
        .observe(move |event: &Event| {
            if let Event::Reached(reached) = event
                && crash_at.as_ref() == Some(&reached.at)
            {
                println!("  the process is killed at {}", reached.at);
                process::abort();
            }
        })
        .build()
        .await?;
    let trip = Trip { id: trip, city: "Lisbon".into(), nights: 3 };
    match engine.start(trip.id.clone(), travel(trip)).await?.result().await? {
        Ok(itinerary) => println!("booked: {itinerary:?}"),
        Err(error) => println!("not booked: {error}"),
    }
    engine.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use refluxo::testing::{TestEngine, crash_everywhere};

    use super::*;

    fn trip() -> Trip {
        Trip { id: "trip-7".into(), city: "Lisbon".into(), nights: 3 }
    }

    /// The steps of a trip with so many cars, and what is still booked after it.
    async fn steps(cars: u32) -> (Vec<&'static str>, usize) {
        let agency = Agency { cars, ..Agency::default() };
        let engine = TestEngine::builder().register::<Travel>().provide(agency.clone()).build().await;
        let run = engine.start("trip-7", travel(trip())).await.unwrap();
        assert_eq!(run.result().await.unwrap().is_ok(), cars > 0);
        let booked = agency.booked.lock().unwrap().len();
        (engine.recorded().steps().collect(), booked)
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_car_all_is_cancelled_last_first() {
        let expected = ["book_flight", "book_hotel", "book_car", "cancel_hotel", "cancel_flight"];
        assert_eq!(steps(0).await, (expected.to_vec(), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_car_all_is_booked() {
        assert_eq!(steps(1).await, (vec!["book_flight", "book_hotel", "book_car"], 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flight_whose_answer_is_lost_is_cancelled() {
        let agency = Agency { cars: 1, ..Agency::default() };
        let desk = agency.clone();
        let engine = TestEngine::builder()
            .register::<Travel>()
            .provide(agency.clone())
            // The desk books, and never says so.
            .mock::<book_flight>(move |call, _context| {
                desk.book("flight", &call.trip);
                std::future::pending()
            })
            .build()
            .await;
        let run = engine.start("trip-7", travel(trip())).await.unwrap();
        assert!(matches!(run.result().await.unwrap(), Err(TravelError::TimedOut(_))));
        assert_eq!(engine.recorded().count("book_flight"), 4);
        assert!(agency.booked.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_crash_anywhere() {
        let agency = Agency::default();
        let world = agency.clone();
        let report = crash_everywhere(|| travel(trip()))
            .world(move || {
                assert!(world.booked.lock().unwrap().is_empty(), "the run before has left something booked");
                TestEngine::builder().provide(world.clone())
            })
            .await;
        assert_eq!(
            report.repeated,
            ["book_car", "book_flight", "book_hotel", "cancel_flight", "cancel_hotel"]
        );
        assert!(agency.booked.lock().unwrap().is_empty());
    }
}
