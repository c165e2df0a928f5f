// SPDX-License-Identifier: Apache-2.0
//! Requests made from the document: what it says is right, at the bounds of it, and what is wrong in
//! one or two places. The same seed makes the same requests.

use rand::{rngs::StdRng, seq::IndexedRandom, Rng, SeedableRng};
use sp_crypto_hashing::sha2_256;

use super::*;

/// Whose keys sign.
pub(super) struct World {
    /// The enclave's account, SS58.
    pub(super) enclave: String,
    /// The newest finalized block.
    pub(super) now: BlockNumber,
}

pub(super) struct Generator {
    rng: StdRng,
    description: Value,
    now: BlockNumber,
}

/// What of a request is made wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Nothing,
    Fields,
    Raw,
    ContentType,
    Size,
}

impl Generator {
    pub(super) fn new(seed: u64, description: Value) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), description, now: 0 }
    }

    fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        of.choose(&mut self.rng).unwrap()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_ratio(1, n)
    }

    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(place) => self.description.pointer(&place[1..]).unwrap().clone(),
            None => schema.clone(),
        }
    }

    /// A request for an operation.
    pub(super) fn request(&mut self, operation: &Operation, world: &World) -> Request<Body> {
        self.now = world.now;
        let path = self.path(operation);
        let request = Request::builder().method(operation.method.as_str()).uri(path);
        let Some(content) = operation.spec.pointer("/requestBody/content/application~1json/schema")
        else {
            // Nobody asks for it, so it makes no difference.
            let body = if self.one_in(8) { self.garbage() } else { Vec::new() };
            return request.body(Body::from(body)).unwrap();
        };
        let kinds = [Wrong::Nothing, Wrong::Fields, Wrong::Fields, Wrong::Fields, Wrong::Raw];
        let kinds = [&kinds[..], &kinds[..], &[Wrong::ContentType, Wrong::Size]].concat();
        let wrong = *self.choose(&kinds);
        let mut body = self.valid(content);
        self.place(&mut body, world);
        if matches!(wrong, Wrong::Fields) {
            for _ in 0..self.rng.random_range(1..=2) {
                self.spoil(&mut body);
            }
        }
        if !self.one_in(6) {
            let forged = self.one_in(16);
            sign(&mut body, forged);
        }
        let mut bytes = serde_json::to_vec(&body).unwrap();
        match wrong {
            Wrong::Raw => bytes = self.spoiled_bytes(bytes),
            Wrong::Size => {
                let most = ApiLimits::default().body;
                let length = *self.choose(&[most - 1, most, most + 1, 2 * most]);
                bytes.resize(bytes.len().max(length), b' ');
            }
            Wrong::Nothing | Wrong::Fields | Wrong::ContentType => (),
        }
        let content_type = match wrong {
            Wrong::ContentType => *self.choose(&[
                None,
                Some("text/plain"),
                Some("application/x-www-form-urlencoded"),
                Some("multipart/form-data; boundary=x"),
                Some("application/jsonp"),
                Some("/;;"),
                Some("json"),
            ]),
            _ => Some(*self.choose(&[
                "application/json",
                "application/json",
                "application/json; charset=utf-8",
                "APPLICATION/JSON",
                "application/problem+json",
            ])),
        };
        let request = match content_type {
            Some(content_type) => request.header(header::CONTENT_TYPE, content_type),
            None => request,
        };
        request.body(Body::from(bytes)).unwrap()
    }

    fn path(&mut self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        let mut query = Vec::new();
        for parameter in operation.spec["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = self.parameter(&parameter["schema"]);
            if parameter["in"] == json!("path") {
                path = path.replace(&format!("{{{name}}}"), &value);
            } else if self.one_in(2) {
                query.push(format!("{name}={value}"));
            }
        }
        if self.one_in(10) {
            let more = ["x=y", "limit=1&limit=2", "&&=", "%", "after=%ff", "limit", "a=b=c"];
            query.push((*self.choose(&more)).into());
        }
        if query.is_empty() {
            return path;
        }
        format!("{path}?{}", query.join("&"))
    }

    /// A parameter as it stands in the address.
    fn parameter(&mut self, schema: &Value) -> String {
        let wrong = [
            "x",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "%20",
            "%ff",
            "%00",
            "4294967296",
            "99999999999999999999",
            "00000000007",
            "NaN",
            "null",
            "%E2%82%AC",
            "..%2F..",
            "7%2F8",
            "index.html",
            "swagger-ui.css",
            "a%2eb",
        ];
        if self.one_in(3) {
            return (*self.choose(&wrong)).into();
        }
        match schema["type"].as_str() {
            Some("integer") => match self.valid(schema) {
                // NFTs that there are.
                Value::Number(number) if self.one_in(2) => number.to_string(),
                _ => self.nft().to_string(),
            },
            _ => match self.one_in(2) {
                true => self.rng.random_range(0..5u32).to_string(),
                false => format!("x{}", "0".repeat(self.rng.random_range(110..115))),
            },
        }
    }

    fn nft(&mut self) -> NftId {
        *self.choose(&NFTS)
    }

    /// A value that the schema allows.
    fn valid(&mut self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(any) = schema["anyOf"].as_array() {
            let one = self.choose(any).clone();
            return self.valid(&one);
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.choose(values).clone();
        }
        match schema["type"].as_str() {
            Some("object") => {
                let properties = schema["properties"].as_object().unwrap().clone();
                let values = properties.iter().map(|(name, schema)| {
                    let value = if name == "nft_id" && !self.one_in(4) {
                        json!(self.nft())
                    } else {
                        self.valid(schema)
                    };
                    (name.clone(), value)
                });
                Value::Object(values.collect())
            }
            Some("integer") => {
                let bound = |name: &str, default| schema[name].as_u64().unwrap_or(default);
                let (least, most) = (bound("minimum", 0), bound("maximum", u64::MAX));
                let within = self.rng.random_range(least..=most);
                json!(*self.choose(&[least, least + 1, most, most - 1, within]))
            }
            Some("string") => match schema["examples"].as_array() {
                Some(examples) => self.choose(examples).clone(),
                None => json!(self.text()),
            },
            other => panic!("{other:?} is not made"),
        }
    }

    /// Puts what is here in the place of the examples' block, NFT and enclave.
    fn place(&mut self, body: &mut Value, world: &World) {
        let nft = self.nft();
        let fields = body.as_object_mut().unwrap();
        for (name, value) in fields.iter_mut() {
            let Value::String(text) = value else { continue };
            *text = text.replace("_100_15", &format!("_{}_15", world.now));
            *text =
                text.replace("\"block_number\":100", &format!("\"block_number\":{}", world.now));
            if name == "signer_address" {
                *text = text.replace("_SECRET_7_", &format!("_SECRET_{nft}_"));
            }
            if name == "data" {
                // The shares' and requests' examples are about this NFT.
                let bare = text.strip_prefix("7_").map(|rest| format!("{nft}_{rest}"));
                let wrapped = text.strip_prefix("<Bytes>7_");
                let wrapped = wrapped.map(|rest| format!("<Bytes>{nft}_{rest}"));
                *text = bare.or(wrapped).unwrap_or_else(|| std::mem::take(text));
                *text = text.replace("_SECRET_7_", &format!("_SECRET_{nft}_"));
                *text = text.replace(&address_of(&dev::bob()), &world.enclave);
            }
            let right = match name.as_str() {
                "owner_address" | "requester_address" => owner(),
                "operator_address" => dev::ferdie(),
                "metric_account" => metrics_server(),
                _ => continue,
            };
            let asking = if self.one_in(8) { dev::eve() } else { right };
            *text = address_of(&asking);
        }
    }

    /// Makes one thing wrong.
    fn spoil(&mut self, body: &mut Value) {
        if self.one_in(12) {
            *body = self.anything();
            return;
        }
        let other = self.anything();
        let Some(fields) = body.as_object_mut() else { return };
        let names: Vec<_> = fields.keys().cloned().collect();
        let Some(name) = names.choose(&mut self.rng).cloned() else { return };
        match self.rng.random_range(0..10u32) {
            0 => drop(fields.remove(&name)),
            1 => drop(fields.insert("unknown".into(), other)),
            2 | 3 => drop(fields.insert(name, other)),
            _ => {
                let Some(Value::String(text)) = fields.get(&name).cloned() else {
                    fields.insert(name, other);
                    return;
                };
                fields.insert(name, json!(self.spoiled_text(text)));
            }
        }
    }

    fn spoiled_text(&mut self, text: String) -> String {
        let mut parts: Vec<&str> = text.split('_').collect();
        if let ([_, share, _, _], true) = (&mut parts[..], self.one_in(3)) {
            // A share of another length.
            let shares = [0, 15, 16, 3_000, 3_001].map(|length| "s".repeat(length));
            *share = self.choose(&shares).as_str();
            return parts.join("_");
        }
        let mut chars: Vec<char> = text.chars().collect();
        let place = self.rng.random_range(0..=chars.len());
        match self.rng.random_range(0..16u32) {
            0 => return String::new(),
            1 => chars.truncate(place),
            2 => chars.insert(place, '_'),
            3 => chars.retain(|char| *char != '_'),
            4 => chars.insert(place, *self.choose(&['\0', 'é', '🔑', '\u{202e}', ' ', '\n', '%'])),
            5 => return text.replace('_', "__"),
            6 => {
                // A part that is another number.
                let numbers = ["0", "4294967295", "4294967296", "-1", "+7", "007", "", "1e9", "٣"];
                let mut parts: Vec<&str> = text.split('_').collect();
                let part = self.rng.random_range(0..parts.len());
                parts[part] = *self.choose(&numbers);
                return parts.join("_");
            }
            7 => return format!("<Bytes>{text}"),
            8 => return format!("<Bytes><Bytes>{text}</Bytes></Bytes>"),
            9 => return text.repeat(2),
            10 => {
                let length = *self.choose(&[15, 16, 17, 255, 2_999, 3_001, 9_000]);
                return "s".repeat(length) + &text;
            }
            11..=13 => {
                // Another block, or another validity.
                let now = self.now;
                let blocks = [now - 16, now - 15, now + 2, now + 3, now + 6, 0, u32::MAX];
                let block = self.choose(&blocks).to_string();
                let validity = *self.choose(&["_0", "_20", "_21", "_4294967295"]);
                return match text.strip_suffix("_15").filter(|_| self.one_in(3)) {
                    Some(rest) => format!("{rest}{validity}"),
                    None => text.replace(&now.to_string(), &block),
                };
            }
            _ => {
                if let Some(char) = chars.get_mut(place) {
                    *char = if char.is_ascii_digit() { 'f' } else { '0' };
                }
            }
        }
        chars.into_iter().collect()
    }

    fn text(&mut self) -> String {
        let length = *self.choose(&[0, 1, 16, 64, 1_000]);
        (0..length).map(|_| self.rng.random::<char>()).collect()
    }

    fn anything(&mut self) -> Value {
        let text = self.text();
        let all = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(4294967296u64),
            json!(u64::MAX),
            json!(1e300),
            json!([]),
            json!([[[[[[]]]]]]),
            json!({}),
            json!({"a": {"b": [null]}}),
            json!(""),
            json!(text),
        ];
        self.choose(&all).clone()
    }

    fn spoiled_bytes(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = self.rng.random_range(0..bytes.len());
        match self.rng.random_range(0..7u32) {
            0 => bytes.truncate(place),
            1 => bytes[place] = self.rng.random(),
            2 => drop(bytes.splice(place..place, [0xff, 0xfe])),
            3 => drop(bytes.splice(0..0, "\u{feff}".bytes())),
            4 => bytes.extend_from_slice(b" {}"),
            5 => {
                // A field twice.
                let again = bytes.len().min(40);
                let again = bytes[1..again].to_vec();
                bytes.splice(1..1, again.into_iter().chain(*b","));
            }
            _ => return self.garbage(),
        }
        bytes
    }

    fn garbage(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..5u32) {
            0 => Vec::new(),
            1 => "[".repeat(10_000).into_bytes(),
            2 => b"{\"a\":".repeat(2_000),
            3 => (0..200).map(|_| self.rng.random()).collect(),
            _ => b"\"\\ud800\"".to_vec(),
        }
    }
}

/// Signs what is there, as its owners would; or somebody else does in their place.
fn sign(body: &mut Value, forged: bool) {
    let text = |body: &Value, name: &str| body[name].as_str().map(ToOwned::to_owned);
    if let (Some(interval), Some(token)) = (text(body, "block_interval"), text(body, "auth_token"))
    {
        if let Ok(mut token) = serde_json::from_str::<Value>(&token) {
            if token.get("data_hash").is_some() {
                token["data_hash"] = json!(hex::encode(sha2_256(interval.as_bytes())));
            }
            body["auth_token"] = json!(token.to_string());
        }
    }
    let everybody =
        [dev::alice(), dev::bob(), dev::charlie(), dev::dave(), dev::eve(), dev::ferdie()];
    let names = ["owner_address", "requester_address", "operator_address", "metric_account"];
    let address = names.into_iter().find_map(|name| text(body, name));
    let known = everybody.iter().find(|key| Some(address_of(key)) == address);
    let requester = known.cloned().unwrap_or_else(owner);
    let is_store = body.get("signersig").is_some();
    let signer = if is_store { dev::bob() } else { requester.clone() };
    let signer = if forged { dev::dave() } else { signer };
    let signatures = [
        ("signer_address", "signersig", &requester),
        ("data", "signature", &signer),
        ("auth_token", "signature", &requester),
    ];
    for (signed, signature, key) in signatures {
        if let (Some(signed), Some(was)) = (text(body, signed), text(body, signature)) {
            // What was spoiled stays so.
            if was.len() == 130 {
                body[signature] = json!(super::super::sign(key, &signed));
            }
        }
    }
}
