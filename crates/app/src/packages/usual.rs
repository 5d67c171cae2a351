//! Packages whose names are others than those of the modules that they bring.

/// Module and package, by module. Only such as most people mean by the module.
const USUAL: &[(&str, &str)] = &[
    ("Crypto", "pycryptodome"),
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dns", "dnspython"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("fitz", "pymupdf"),
    ("git", "gitpython"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("magic", "python-magic"),
    ("mpl_toolkits", "matplotlib"),
    ("pptx", "python-pptx"),
    ("psycopg2", "psycopg2-binary"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("slugify", "python-slugify"),
    ("usb", "pyusb"),
    ("yaml", "pyyaml"),
    ("zmq", "pyzmq"),
];

/// The package that is meant by a module, or the one of the module's own name.
pub fn usual_package(module: &str) -> &str {
    let top = module.split('.').next().unwrap_or(module);
    let known = USUAL.iter().find(|(module, _)| *module == top);
    known.map_or(top, |(_, package)| package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_stands_for_the_package_that_most_people_mean() {
        assert_eq!(usual_package("bs4"), "beautifulsoup4");
        assert_eq!(usual_package("yaml.cyaml"), "pyyaml");
        assert_eq!(usual_package("jinja2.ext"), "jinja2");
        assert!(USUAL.is_sorted());
    }
}
