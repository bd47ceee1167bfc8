//! What can go wrong, as an HTTP status and a JSON body: `{"error": "unknown", "message": "there is no run 42 in this store"}`.
//!
//! The library's errors name the run and the cure, and callers are told so. What is the service's own fault is logged, and
//! callers learn only whether to try again.

use axum::{
    Json,
    extract::rejection::{JsonRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use refluxo::{
    engine::{QueryError, ReadError, SignalError, StartError, VerbError},
    store::StoreError,
};
use serde_json::json;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The database could not be asked, or did not answer.
    pub(crate) fn unavailable() -> Self {
        let message = "the database does not answer: send it again, which does nothing twice";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// Something that is for the people who run the service.
    fn internal(error: impl std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this is the service's fault, and was logged",
        )
    }

    fn store(error: &StoreError) -> Self {
        match error {
            StoreError::Retry(_) | StoreError::Unknown(_) => {
                tracing::warn!(%error, "a request was not answered");
                Self::unavailable()
            }
            StoreError::Fatal(_) => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let body = Json(json!({ "error": code, "message": message }));
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                (status, [(header::RETRY_AFTER, "1")], body).into_response()
            }
            _ => (status, body).into_response(),
        }
    }
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        let (status, code) = match &error {
            StartError::InvalidId(_) => (StatusCode::BAD_REQUEST, "invalidId"),
            StartError::Key { .. } => (StatusCode::BAD_REQUEST, "invalidKey"),
            StartError::OtherArguments { .. } => (StatusCode::CONFLICT, "otherArguments"),
            StartError::OtherWorkflow { .. } => (StatusCode::CONFLICT, "otherWorkflow"),
            StartError::Attribute { .. } | StartError::Arguments { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unsaved")
            }
            StartError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "tooLarge"),
            StartError::NotRegistered { .. } | StartError::Transaction { .. } => {
                return Self::internal(error);
            }
            StartError::Store { cause, .. } => return Self::store(cause),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        let (status, code) = match &error {
            ReadError::InvalidId(_) => (StatusCode::BAD_REQUEST, "invalidId"),
            ReadError::Unknown { .. } | ReadError::OtherWorkflow { .. } => (StatusCode::NOT_FOUND, "unknown"),
            ReadError::Ended { .. } => (StatusCode::CONFLICT, "ended"),
            ReadError::Unreadable { .. } => return Self::internal(error),
            ReadError::Store { cause, .. } => return Self::store(cause),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<SignalError> for ApiError {
    fn from(error: SignalError) -> Self {
        let (status, code) = match &error {
            SignalError::InvalidId(_) => (StatusCode::BAD_REQUEST, "invalidId"),
            SignalError::Unknown { .. } => (StatusCode::NOT_FOUND, "unknown"),
            SignalError::Finished { .. } => (StatusCode::CONFLICT, "ended"),
            SignalError::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, "full"),
            SignalError::NotAwaited(_) | SignalError::Unsaved { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unsaved")
            }
            SignalError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "tooLarge"),
            SignalError::Store { cause, .. } => return Self::store(cause),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<VerbError> for ApiError {
    fn from(error: VerbError) -> Self {
        let (status, code) = match &error {
            VerbError::InvalidId(_) => (StatusCode::BAD_REQUEST, "invalidId"),
            VerbError::Unknown { .. } => (StatusCode::NOT_FOUND, "unknown"),
            VerbError::Ended { .. } => (StatusCode::CONFLICT, "ended"),
            VerbError::NotParked { .. } | VerbError::NotPaused { .. } => {
                (StatusCode::CONFLICT, "otherStatus")
            }
            VerbError::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, "full"),
            VerbError::Store { cause, .. } => return Self::store(cause),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::InvalidId(_) => Self::new(StatusCode::BAD_REQUEST, "invalidId", error.to_string()),
            QueryError::Store { cause } => Self::store(cause),
        }
    }
}

impl From<serde_json::Error> for ApiError {
    /// What is stored is not what today's code calls an order.
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "body", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "query", rejection.body_text())
    }
}
