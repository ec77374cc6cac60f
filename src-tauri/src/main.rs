fn main() {
    tidemark_app::run();
}
