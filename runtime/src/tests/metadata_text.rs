// SPDX-License-Identifier: Apache-2.0
//! Metadata as text that people can compare, with every type spelt out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use frame_metadata::v14::{
    PalletMetadata, RuntimeMetadataV14, StorageEntryMetadata, StorageEntryModifier,
    StorageEntryType,
};
use scale_info::{
    form::PortableForm, Field, PortableRegistry, Type, TypeDef, TypeDefPrimitive, Variant,
};

/// Writes metadata as text.
pub struct Text<'a> {
    metadata: &'a RuntimeMetadataV14,
    /// Types that are named and still to be spelt out.
    named: BTreeSet<u32>,
    out: String,
}

impl<'a> Text<'a> {
    pub fn new(metadata: &'a RuntimeMetadataV14) -> Self {
        Self { metadata, named: BTreeSet::new(), out: String::new() }
    }

    fn registry(&self) -> &'a PortableRegistry {
        &self.metadata.types
    }

    fn resolve(&self, id: u32) -> &'a Type<PortableForm> {
        self.registry().resolve(id).expect("metadata is complete")
    }

    fn line(&mut self, indent: usize, text: impl AsRef<str>) {
        writeln!(self.out, "{:indent$}{}", "", text.as_ref()).expect("a string takes all");
    }

    /// The whole runtime.
    pub fn runtime(mut self) -> String {
        let mut pallets: Vec<_> = self.metadata.pallets.iter().collect();
        pallets.sort_by_key(|pallet| pallet.index);
        for pallet in pallets {
            self.pallet(pallet);
        }
        let extensions = &self.metadata.extrinsic.signed_extensions;
        self.line(0, format!("extrinsic version {}", self.metadata.extrinsic.version));
        for extension in extensions {
            let (ty, implicit) =
                (self.name(extension.ty.id), self.name(extension.additional_signed.id));
            self.line(2, format!("{}: {ty}, {implicit}", extension.identifier));
        }
        self.finish()
    }

    /// Some storage items and calls only.
    pub fn part(mut self, items: &[(&str, &[&str])], calls: &[(&str, &[&str])]) -> String {
        let metadata = self.metadata;
        let pallet = |name: &str| {
            metadata.pallets.iter().find(|pallet| pallet.name == name).expect("the pallet is there")
        };
        for (name, items) in items {
            for item in *items {
                let storage = pallet(name).storage.as_ref().expect("it stores something");
                let entry = storage.entries.iter().find(|entry| entry.name == *item);
                let entry = self.storage_entry(entry.expect("the item is there"));
                self.line(0, format!("storage {}.{entry}", storage.prefix));
            }
        }
        for (name, calls) in calls {
            let pallet = pallet(name);
            let enumeration = pallet.calls.as_ref().expect("it has calls").ty.id;
            for call in *calls {
                let variant = self.variants(enumeration).iter().find(|v| v.name == *call);
                let variant = self.variant(variant.expect("the call is there"));
                self.line(0, format!("call {} {variant}", pallet.index));
            }
        }
        self.finish()
    }

    fn finish(mut self) -> String {
        self.types();
        self.out
    }

    fn pallet(&mut self, pallet: &'a PalletMetadata<PortableForm>) {
        self.line(0, format!("pallet {} {}", pallet.index, pallet.name));
        for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
            let entry = self.storage_entry(entry);
            self.line(2, format!("storage {entry}"));
        }
        let enumerations = [
            ("call", pallet.calls.as_ref().map(|calls| calls.ty.id)),
            ("event", pallet.event.as_ref().map(|event| event.ty.id)),
            ("error", pallet.error.as_ref().map(|error| error.ty.id)),
        ];
        for (what, id) in enumerations {
            let Some(id) = id else { continue };
            for variant in self.variants(id) {
                let variant = self.variant(variant);
                self.line(2, format!("{what} {variant}"));
            }
        }
        for constant in &pallet.constants {
            let ty = self.name(constant.ty.id);
            let value = hex(&constant.value);
            self.line(2, format!("constant {}: {ty} = {value}", constant.name));
        }
        self.line(0, "");
    }

    fn storage_entry(&mut self, entry: &'a StorageEntryMetadata<PortableForm>) -> String {
        let name = &entry.name;
        let (key, value) = match &entry.ty {
            StorageEntryType::Plain(value) => (String::new(), value.id),
            StorageEntryType::Map { hashers, key, value } => {
                (format!("[{hashers:?} {}]", self.name(key.id)), value.id)
            }
        };
        let value = self.name(value);
        match entry.modifier {
            StorageEntryModifier::Optional => format!("{name}{key}: {value}?"),
            StorageEntryModifier::Default => {
                format!("{name}{key}: {value} = {}", hex(&entry.default))
            }
        }
    }

    fn variants(&self, enumeration: u32) -> &'a [Variant<PortableForm>] {
        match &self.resolve(enumeration).type_def {
            TypeDef::Variant(variants) => &variants.variants,
            _ => panic!("not an enum"),
        }
    }

    fn variant(&mut self, variant: &'a Variant<PortableForm>) -> String {
        let fields = self.fields(&variant.fields);
        format!("{} {}{fields}", variant.index, variant.name)
    }

    fn fields(&mut self, fields: &'a [Field<PortableForm>]) -> String {
        if fields.is_empty() {
            return String::new();
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|field| match &field.name {
                Some(name) => format!("{name}: {}", self.name(field.ty.id)),
                None => self.name(field.ty.id),
            })
            .collect();
        format!("({})", fields.join(", "))
    }

    /// A type where it is used. One with a name is spelt out at the end.
    fn name(&mut self, id: u32) -> String {
        let ty = self.resolve(id);
        match &ty.type_def {
            TypeDef::Primitive(primitive) => primitive_name(primitive).to_owned(),
            TypeDef::Sequence(sequence) => format!("[{}]", self.name(sequence.type_param.id)),
            TypeDef::Array(array) => format!("[{}; {}]", self.name(array.type_param.id), array.len),
            TypeDef::Compact(compact) => format!("compact {}", self.name(compact.type_param.id)),
            TypeDef::BitSequence(_) => "bits".to_owned(),
            TypeDef::Tuple(tuple) => {
                let fields: Vec<_> = tuple.fields.iter().map(|field| self.name(field.id)).collect();
                format!("({})", fields.join(", "))
            }
            TypeDef::Composite(_) | TypeDef::Variant(_) => {
                self.named.insert(id);
                let name = ty.path.segments.last().map_or("_", String::as_str);
                let parameters: Vec<_> = ty
                    .type_params
                    .iter()
                    .filter_map(|parameter| parameter.ty.map(|ty| self.parameter(ty.id)))
                    .collect();
                match parameters.is_empty() {
                    true => name.to_owned(),
                    false => format!("{name}<{}>", parameters.join(", ")),
                }
            }
        }
    }

    /// A type as a parameter of another: in full, but for the runtime itself and its like, whose
    /// names would have no end.
    fn parameter(&mut self, id: u32) -> String {
        let ty = self.resolve(id);
        match ty.path.segments.last() {
            Some(name) if ty.path.segments.first().is_some_and(|first| first == "tee_runtime") => {
                name.clone()
            }
            _ => self.name(id),
        }
    }

    /// Spells out the types that were named, and those that they name.
    fn types(&mut self) {
        let mut done = BTreeMap::new();
        while let Some(id) = self.named.pop_first() {
            if done.contains_key(&id) {
                continue;
            }
            let ty = self.resolve(id);
            let name = self.name(id);
            let path = ty.path.segments.join("::");
            // The calls, events and errors of pallets stand with the pallets.
            let is_of_pallet = path.contains("::pallet::");
            let definition = match &ty.type_def {
                _ if is_of_pallet => String::new(),
                TypeDef::Composite(composite) => self.fields(&composite.fields),
                TypeDef::Variant(variants) => {
                    let variants: Vec<_> =
                        variants.variants.iter().map(|variant| self.variant(variant)).collect();
                    format!(" {{ {} }}", variants.join(" | "))
                }
                _ => unreachable!("only these have names"),
            };
            let line = (!is_of_pallet).then(|| format!("type {name} = {path}{definition}"));
            done.insert(id, line);
        }
        let mut lines: Vec<_> = done.into_values().flatten().collect();
        lines.sort();
        lines.dedup();
        for line in lines {
            self.line(0, line);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

fn primitive_name(primitive: &TypeDefPrimitive) -> &'static str {
    match primitive {
        TypeDefPrimitive::Bool => "bool",
        TypeDefPrimitive::Char => "char",
        TypeDefPrimitive::Str => "str",
        TypeDefPrimitive::U8 => "u8",
        TypeDefPrimitive::U16 => "u16",
        TypeDefPrimitive::U32 => "u32",
        TypeDefPrimitive::U64 => "u64",
        TypeDefPrimitive::U128 => "u128",
        TypeDefPrimitive::U256 => "u256",
        TypeDefPrimitive::I8 => "i8",
        TypeDefPrimitive::I16 => "i16",
        TypeDefPrimitive::I32 => "i32",
        TypeDefPrimitive::I64 => "i64",
        TypeDefPrimitive::I128 => "i128",
        TypeDefPrimitive::I256 => "i256",
    }
}
