use refluxo::prelude::*;

#[step]
async fn mail(to: String) -> Result<u32, String> {
    Ok(to.len() as u32)
}

#[workflow]
async fn sell(sku: String, to: Vec<String>) -> Result<u32, String> {
    let (sent, last) = join!(
        async move {
            let mut sent = Vec::new();
            for to in to { sent.push(mail(to).await?); }
            Ok::<_, String>(sent)
        },
        mail(sku),
    );
    Ok(sent?.len() as u32 + last?)
}

fn main() {
    let _ = sell("a".into(), Vec::new());
}
