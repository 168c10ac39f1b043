/*
owner: me
*/