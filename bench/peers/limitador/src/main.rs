//! limitador, the library of limitador-server, on axum: two limits per request in one call. Fixed windows, which is what it has.

use std::{collections::HashMap, env, sync::Arc};

use axum::{extract::State, http::StatusCode, routing::post, Json, Router};
use limitador::{
    limit::{Context, Limit, Namespace},
    storage::redis::AsyncRedisStorage,
    AsyncRateLimiter,
};
use serde::{Deserialize, Serialize};

const NAMESPACE: &str = "bench";
const NEVER_REFUSES: u64 = 1_000_000;

#[derive(Deserialize)]
struct Asked {
    api_key: String,
    ip: String,
}

#[derive(Serialize)]
struct Answer {
    decision: &'static str,
}

struct Limiter {
    limiter: AsyncRateLimiter,
    namespace: Namespace,
}

async fn check(State(state): State<Arc<Limiter>>, Json(asked): Json<Asked>) -> Result<Json<Answer>, StatusCode> {
    let values = HashMap::from([("api_key".to_string(), asked.api_key), ("ip".to_string(), asked.ip)]);
    let result = state
        .limiter
        .check_rate_limited_and_update(&state.namespace, &Context::from(values), 1)
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let decision = if result.limited { "throttle" } else { "allow" };
    Ok(Json(Answer { decision }))
}

// one thread, as every peer has one core
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rate: u64 = env::var("BENCH_RATE")?.parse()?; // per second, of a key; an address is never refused
    let limiter = AsyncRateLimiter::new_with_storage(Box::new(AsyncRedisStorage::new(&env::var("BENCH_STORE")?).await?));
    for (variable, most) in [("api_key", rate), ("ip", NEVER_REFUSES)] {
        limiter.add_limit(Limit::new(NAMESPACE, most, 1, vec![], vec![variable.try_into()?]));
    }
    let state = Arc::new(Limiter { limiter, namespace: NAMESPACE.into() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", env::var("BENCH_PORT")?.parse()?)).await?;
    axum::serve(listener, Router::new().route("/v1/check", post(check)).with_state(state)).await?;
    Ok(())
}
