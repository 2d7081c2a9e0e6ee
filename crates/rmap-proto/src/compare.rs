//! Equality of keys and values with the byte and text types of callers.

/// Implements `PartialEq` between a type with `as_bytes` and the common byte and text types. Equal means equal bytes.
#[doc(hidden)]
#[macro_export]
macro_rules! compare_bytes {
    ($name:ty) => {
        $crate::compare_bytes!($name: [u8], &[u8], str, &str, String, Vec<u8>, bytes::Bytes);

        impl<const N: usize> PartialEq<[u8; N]> for $name {
            fn eq(&self, other: &[u8; N]) -> bool {
                self.as_bytes() == other
            }
        }

        impl<const N: usize> PartialEq<&[u8; N]> for $name {
            fn eq(&self, other: &&[u8; N]) -> bool {
                self.as_bytes() == *other
            }
        }

        impl PartialEq<$name> for str {
            fn eq(&self, other: &$name) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<$name> for &str {
            fn eq(&self, other: &$name) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<$name> for String {
            fn eq(&self, other: &$name) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }
    };
    ($name:ty: $($other:ty),+) => {
        $(
            impl PartialEq<$other> for $name {
                fn eq(&self, other: &$other) -> bool {
                    self.as_bytes() == AsRef::<[u8]>::as_ref(other)
                }
            }
        )+
    };
}
